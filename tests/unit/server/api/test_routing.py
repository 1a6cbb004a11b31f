from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI
from httpx import ASGITransport, AsyncClient
from pydantic import BaseModel

from pileus.server.api.app import ROUTERS
from pileus.server.api.routing import PREFIX, LateRoute, router


class Parcel(BaseModel):
    weight: int


def asked() -> str:
    return "somebody"


def made() -> tuple[FastAPI, LateRoute]:
    parcels = router("parcels", dependencies=[Depends(asked)])

    @parcels.post("/parcels/{name}", status_code=201)
    async def send(name: str, body: Parcel, caller: Annotated[str, Depends(asked)]) -> Parcel:
        """Send it."""
        return Parcel(weight=body.weight + len(name) + len(caller))

    (route,) = parcels.routes
    assert isinstance(route, LateRoute)
    return FastAPI(routes=parcels.routes), route


def is_analysed(route: LateRoute) -> bool:
    return "dependant" in vars(route)


async def ask(app: FastAPI, method: str, path: str, **options: Any) -> Any:
    async with AsyncClient(transport=ASGITransport(app), base_url="http://server") as client:
        return await client.request(method, path, **options)


class TestLateRoute:
    async def test_is_analysed_by_its_first_request_and_by_no_other(self) -> None:
        app, route = made()

        missed = await ask(app, "POST", f"{PREFIX}/letters/a", json={"weight": 1})

        assert missed.status_code == 404
        assert not is_analysed(route)

        sent = await ask(app, "POST", f"{PREFIX}/parcels/abc", json={"weight": 1})

        assert (sent.status_code, sent.json()) == (201, {"weight": 12})
        assert is_analysed(route)

    async def test_refuses_a_method_and_a_body_as_any_route_does(self) -> None:
        app, _ = made()

        assert (await ask(app, "GET", f"{PREFIX}/parcels/abc")).status_code == 405
        wrong = await ask(app, "POST", f"{PREFIX}/parcels/abc", json={"weight": "heavy"})
        assert wrong.status_code == 422
        assert wrong.json()["detail"][0]["loc"] == ["body", "weight"]

    def test_is_described_like_any_route(self) -> None:
        app, _ = made()

        described = app.openapi()["paths"][f"{PREFIX}/parcels/{{name}}"]["post"]

        assert described["tags"] == ["parcels"]
        assert described["description"] == "Send it."
        assert set(described["responses"]) == {"201", "422"}

    def test_has_no_attribute_that_a_route_has_not(self) -> None:
        _, route = made()

        with pytest.raises(AttributeError, match=r"LateRoute.*nothing_of_the_kind"):
            route.nothing_of_the_kind  # noqa: B018


class TestRouter:
    def test_every_route_of_the_server_is_late(self) -> None:
        routes = [route for one in ROUTERS for route in one.routes]

        assert routes
        assert all(isinstance(route, LateRoute) for route in routes)
