"""Who may call a route: declared on it, checked before it runs, read by the matrix test.

Deny by default: a test fails for any route that neither declares a need nor is listed anonymous.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from pileus.core.schemas.tenancy import Caller, Role
from pileus.security.errors import OtherProject, RoleTooLow, TokenUnknown
from pileus.server.authentication import Identity, Kind
from pileus.server.services import Services


def services_of(request: Request) -> Services:
    """The services of this app."""
    found: Services = request.app.state.services
    return found


async def _services(request: Request) -> Services:
    # A plain function would be run in a thread, for each request.
    return services_of(request)


Use = Annotated[Services, Depends(_services)]


async def identify(request: Request) -> Identity:
    """Who sent the request. Raises TokenUnknown."""
    services = services_of(request)
    return await services.authentication.identify(request.headers.get("authorization"))


class Requires:
    """A role in the project that the path names; `operator` for the installation's affairs."""

    def __init__(self, role: Role, *, operator: bool = False) -> None:
        self.role = role
        self.operator = operator

    async def __call__(self, request: Request) -> Caller:
        """The caller, if it may. Raises TokenUnknown, OtherProject, RoleTooLow."""
        identity = await identify(request)
        caller = identity.caller
        if caller is None:
            raise TokenUnknown
        project = request.path_params.get("project")
        if project is not None and project not in {caller.project, caller.project_name}:
            raise OtherProject(
                f"This token is not for project {project!r}",
                hint="Use a token of that project: --project, or PILEUS_TOKEN.",
            )
        if identity.kind is Kind.ATTEMPT and request.path_params.get("job_id") != identity.job:
            raise RoleTooLow("An attempt's token is for its own job only")
        if not caller.role.includes(self.role):
            raise RoleTooLow(
                f"{caller.principal_name!r} is {caller.role}; this needs {self.role}",
                hint="An admin changes roles with `pileus member set-role`.",
            )
        if self.operator and not caller.is_operator:
            raise RoleTooLow(
                f"{caller.principal_name!r} is not an operator of this installation",
                hint="The owner of the project 'default' is.",
            )
        return caller.model_copy(update={"request_id": request.state.request_id})


class RequiresProcess:
    """One of the installation's own processes."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind

    async def __call__(self, request: Request) -> None:
        """Raises TokenUnknown, RoleTooLow."""
        identity = await identify(request)
        if identity.kind is not self.kind:
            raise RoleTooLow(f"Only a {self.kind} may do this")


class RequiresAttempt:
    """An attempt of the job that the path names, while it holds its lease."""

    async def __call__(self, request: Request) -> Caller:
        """The attempt. Raises TokenUnknown, OtherProject, RoleTooLow."""
        if (await identify(request)).kind is not Kind.ATTEMPT:
            raise RoleTooLow("Only an attempt of the job may do this")
        return await Requires(Role.VIEWER)(request)


class RequiresScraper:
    """The scrape token, or an operator: figures tell of all projects."""

    async def __call__(self, request: Request) -> None:
        """Raises TokenUnknown, RoleTooLow."""
        identity = await identify(request)
        if identity.kind is Kind.METRICS:
            return
        await Requires(Role.ADMIN, operator=True)(request)


class RequiresBlobs:
    """Blobs: people with a role in the project, and the processes that carry them.

    Processes name the project by its id.
    """

    def __init__(self, role: Role, kinds: frozenset[Kind]) -> None:
        self.role = role
        self.kinds = kinds

    async def __call__(self, request: Request) -> str:
        """Id of the project whose blobs are meant."""
        identity = await identify(request)
        if identity.caller is None:
            if identity.kind not in self.kinds:
                raise RoleTooLow(f"A {identity.kind} may not do this")
            project: str = request.path_params["project"]
            return (await services_of(request).access.project(project)).id
        caller = await Requires(self.role)(request)
        return caller.project


Viewer = Annotated[Caller, Depends(Requires(Role.VIEWER))]
Developer = Annotated[Caller, Depends(Requires(Role.DEVELOPER))]
Admin = Annotated[Caller, Depends(Requires(Role.ADMIN))]
Operator = Annotated[Caller, Depends(Requires(Role.ADMIN, operator=True))]
OwnAttempt = Annotated[Caller, Depends(RequiresAttempt())]
WorkerLink = Depends(RequiresProcess(Kind.WORKER))
Scraper = Depends(RequiresScraper())
GatewayLink = Depends(RequiresProcess(Kind.GATEWAY))
_CARRIERS = frozenset({Kind.WORKER, Kind.GATEWAY})
BlobReader = Annotated[str, Depends(RequiresBlobs(Role.VIEWER, _CARRIERS))]
BlobWriter = Annotated[str, Depends(RequiresBlobs(Role.DEVELOPER, frozenset({Kind.WORKER})))]
