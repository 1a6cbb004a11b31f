"""Role x route x project, generated from the gateway's real route table. Deny by default."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from pileus.core.schemas.tenancy import Role
from pileus.gateway.rest.table import ROUTES, RestRoute
from tests.unit.gateway.conftest import Running, bearer, link, start
from tests.unit.gateway.installation import FakeLink, features, route, routes, token
from tests.unit.inference.graphs import write_rows_bundle

__all__ = ["link", "start"]

ANONYMOUS = {"/v2/health/live", "/v2/health/ready"}
"""Paths of the gateway that need no token; every other one does."""

OWN, OTHER = "prj_own", "prj_other"
EXPIRED = "plt_expired"
UNKNOWN = [None, "x", "plt_nobody", EXPIRED, "plw_worker", "plg_gateway"]
"""Tokens that prove nothing to a gateway."""

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")

EVERY = [pytest.param(one, id=f"{one.method} {one.pattern}") for one in ROUTES]
GUARDED = [
    pytest.param(one, id=f"{one.method} {one.pattern}")
    for one in ROUTES
    if one.pattern not in ANONYMOUS
]


def member(role: Role) -> str:
    return f"plt_{role.value}"


def stranger(role: Role) -> str:
    return f"plt_stranger_{role.value}"


@pytest.fixture
async def gateway(tmp_path: Path, link: FakeLink, start: Callable[..., Running]) -> Running:
    """One endpoint of one project, and members of every role in two."""
    bundle = link.hold(write_rows_bundle(tmp_path / "made"))
    tokens = [
        *(token(member(role), OWN, role.value) for role in Role),
        *(token(stranger(role), OTHER, role.value) for role in Role),
        token(EXPIRED, OWN, "admin", "2020-01-01T00:00:00+00:00"),
    ]
    link.document = routes(route(bundle, project=OWN), tokens=tokens)
    running = start()
    for _ in range(250):
        if (await ask(running, one("/v2/models/{name}/ready"), member(Role.ADMIN))).is_success:
            return running
        await running.until(lambda: True)
    raise TimeoutError


def one(pattern: str) -> RestRoute:
    return next(route for route in ROUTES if route.pattern == pattern)


async def ask(
    gateway: Running, asked: RestRoute, bearer_token: str | None, method: str | None = None
) -> httpx.Response:
    path = asked.pattern.replace("{name}", "flowers").replace("{version}", "1")
    assert not re.search(r"[{}]", path), "a parameter that this test does not know"
    body: dict[str, Any] = {"json": features()} if asked.method == "POST" else {}
    try:
        return await gateway.client.request(
            method or asked.method, path, headers=bearer(bearer_token), **body
        )
    except httpx.ConnectError:
        return httpx.Response(503)  # it is still coming up


class TestTable:
    def test_only_health_is_anonymous(self) -> None:
        assert {route.pattern for route in ROUTES if route.role is None} == ANONYMOUS

    def test_predicting_needs_a_developer_and_reading_a_viewer(self) -> None:
        predicting = {route.role for route in ROUTES if route.pattern.endswith("/infer")}
        reading = {route.role for route in ROUTES if not route.pattern.endswith("/infer")}

        assert predicting == {Role.DEVELOPER}
        assert reading == {None, Role.VIEWER}


class TestMatrix:
    @pytest.mark.parametrize("asked", EVERY)
    async def test_who_proves_nothing_sees_health_only(
        self, gateway: Running, asked: RestRoute
    ) -> None:
        statuses = {(await ask(gateway, asked, unknown)).status_code for unknown in UNKNOWN}

        assert statuses == ({200} if asked.pattern in ANONYMOUS else {401})

    @pytest.mark.parametrize("asked", EVERY)
    async def test_a_role_opens_what_it_includes_and_nothing_else(
        self, gateway: Running, asked: RestRoute
    ) -> None:
        for role in Role:
            answer = await ask(gateway, asked, member(role))

            may = asked.role is None or (role.includes(asked.role) and not asked.is_for_operators)
            assert answer.status_code == (200 if may else 403), role

    @pytest.mark.parametrize("asked", GUARDED)
    async def test_no_role_of_another_project_sees_the_endpoint(
        self, gateway: Running, asked: RestRoute
    ) -> None:
        for role in Role:
            answer = await ask(gateway, asked, stranger(role))

            if asked.is_for_operators or (asked.role and not role.includes(asked.role)):
                assert answer.status_code == 403
            elif "{name}" in asked.pattern:
                assert answer.status_code == 404
                assert answer.json()["family"] == "not_found"
                assert OWN not in answer.text
            else:
                assert answer.status_code == 200

    @pytest.mark.parametrize("asked", EVERY)
    async def test_a_method_that_is_not_in_the_table_opens_nothing(
        self, gateway: Running, asked: RestRoute
    ) -> None:
        known = {route.method for route in ROUTES if route.pattern == asked.pattern}

        for method in set(METHODS) - known:
            answer = await ask(gateway, asked, member(Role.ADMIN), method)
            assert answer.status_code == 405, method

    async def test_what_is_refused_is_neither_answered_nor_metered(
        self, gateway: Running, link: FakeLink
    ) -> None:
        infer = one("/v2/models/{name}/infer")
        for refused in (None, EXPIRED, member(Role.VIEWER), stranger(Role.ADMIN)):
            answer = await ask(gateway, infer, refused)
            assert "outputs" not in answer.json()
            assert "pileus-prediction-id" not in answer.headers

        await gateway.end()

        assert link.totals() == (0, 0, 0)
        assert link.segments == {}

    async def test_an_error_tells_neither_a_token_nor_its_hash(self, gateway: Running) -> None:
        viewer = member(Role.VIEWER)

        for answer in (
            await ask(gateway, one("/v2/models/{name}/infer"), viewer),
            await ask(gateway, one("/v2"), "plt_nobody"),
        ):
            error = answer.json()
            assert error.keys() == {"error", "code", "family", "message", "hint", "request_id"}
            assert error["error"] == f"{error['message']}. {error['hint']}"
            assert all(error.values())
            assert viewer not in answer.text.replace(f"prn_{viewer}", "")
            assert "plt_nobody" not in answer.text
