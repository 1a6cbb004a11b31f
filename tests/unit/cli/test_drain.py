import httpx

from pileus.cli.drain import drain, wait_for_jobs
from pileus.sdk import Client


def client_of(answer):
    return Client(
        "http://pileus.test",
        "plt_x",
        patience_seconds=0,
        transport=httpx.MockTransport(answer),
    )


class TestDrain:
    def test_it_asks_until_nothing_runs(self):
        running = [2, 1, 0]
        client = client_of(lambda _: httpx.Response(200, json={"running": running.pop(0)}))

        assert drain(client, 60, print)
        assert running == []

    def test_it_gives_up_in_time(self):
        client = client_of(lambda _: httpx.Response(200, json={"running": 1}))

        assert not drain(client, 0, print)

    def test_a_server_that_refuses_is_said_so(self):
        said: list[str] = []
        error = {"code": "role_too_low", "family": "not_allowed", "message": "no"}
        client = client_of(lambda _: httpx.Response(403, json={"error": error}))

        assert not drain(client, 60, said.append)
        assert said == ["Running jobs could not be requeued: no"]


class TestWait:
    def test_it_ends_when_no_job_waits_or_runs(self):
        client = client_of(lambda _: httpx.Response(200, json={"items": [], "next": None}))

        wait_for_jobs(client)
