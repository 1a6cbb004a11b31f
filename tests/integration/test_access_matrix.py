"""Role x route x project, generated from the server's real route table. Deny by default."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from pileus.core.schemas.tenancy import Role
from pileus.server.api.access import (
    Requires,
    RequiresAttempt,
    RequiresBlobs,
    RequiresProcess,
    RequiresScraper,
)
from pileus.server.api.app import ANONYMOUS, ROUTERS
from tests.integration.conftest import RunningServer

REFUSED = {401, 403}
NEEDS = (Requires, RequiresAttempt, RequiresBlobs, RequiresProcess, RequiresScraper)


def needs_of(route: APIRoute) -> list[Any]:
    """What a route declares that a caller must be."""
    found: list[Any] = []
    queue = list(route.dependant.dependencies)
    while queue:
        dependant = queue.pop()
        if isinstance(dependant.call, NEEDS):
            found.append(dependant.call)
        queue.extend(dependant.dependencies)
    return found


def api_routes() -> list[APIRoute]:
    return [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]


def method_of(route: APIRoute) -> str:
    return min(route.methods or {"GET"})


def path_of(route: APIRoute, project: str) -> str:
    path = route.path.replace("{project}", project)
    path = path.replace("{digest}", "0" * 64).replace("{lane}", "1").replace("{number}", "1")
    return re.sub(r"\{[^}]+\}", "nothing", path)


ROUTES = [
    pytest.param(route, id=f"{method_of(route)} {route.path}")
    for route in api_routes()
    if route.path not in ANONYMOUS
]


class TestDeclarations:
    def test_every_route_of_the_app_is_declared_or_listed_anonymous(
        self, server: RunningServer
    ) -> None:
        declared = {route.path for route in api_routes() if needs_of(route)}
        app: Any = server.transport.app
        paths = {route.path for route in app.routes if isinstance(route, Route)}

        assert paths - declared == ANONYMOUS

    @pytest.mark.parametrize("route", ROUTES)
    def test_a_route_declares_exactly_one_need(self, route: APIRoute) -> None:
        assert len(needs_of(route)) == 1


async def ask(server: RunningServer, token: str | None, route: APIRoute, project: str) -> int:
    async with server.client(token) as client:
        method = method_of(route)
        answer = await client.request(method, path_of(route, project), params={"wait": 0})
        return answer.status_code


class TestMatrix:
    @pytest.mark.parametrize("route", ROUTES)
    async def test_nobody_without_a_token(self, server: RunningServer, route: APIRoute) -> None:
        assert await ask(server, None, route, "default") == 401
        assert await ask(server, "plt_wrong", route, "default") == 401

    @pytest.mark.parametrize("role", list(Role))
    @pytest.mark.parametrize("route", ROUTES)
    async def test_a_role_opens_what_it_includes_and_nothing_else(
        self, server: RunningServer, route: APIRoute, role: Role
    ) -> None:
        need = needs_of(route)[0]
        may = (
            not isinstance(need, RequiresAttempt | RequiresProcess | RequiresScraper)
            and role.includes(need.role)
            and not getattr(need, "operator", False)
        )

        status = await ask(server, await server.member(role.value, role.value), route, "default")

        assert (status in REFUSED) is not may, status

    @pytest.mark.parametrize("route", [param for param in ROUTES if "{project}" in str(param.id)])
    async def test_an_admin_of_another_project_is_refused(
        self, server: RunningServer, route: APIRoute
    ) -> None:
        async with server.client(server.owner) as client:
            made = await client.post("/api/v1/projects", json={"name": "other"})
        stranger = made.json()["token"]

        assert await ask(server, stranger, route, "default") == 403

    @pytest.mark.parametrize("route", ROUTES)
    async def test_a_process_opens_its_own_routes_only(
        self, server: RunningServer, route: APIRoute
    ) -> None:
        need = needs_of(route)[0]
        project = (await server.services.access.projects())[0].id
        processes = (
            (server.worker, "worker"),
            (server.gateway, "gateway"),
            (server.metrics, "metrics"),
        )
        for token, kind in processes:
            status = await ask(server, token, route, project)
            if isinstance(need, RequiresProcess):
                assert (status in REFUSED) is (need.kind != kind)
            elif isinstance(need, RequiresBlobs):
                assert (status in REFUSED) is (kind not in need.kinds)
            elif isinstance(need, RequiresScraper):
                assert (status in REFUSED) is (kind != "metrics")
            else:
                assert status in REFUSED
