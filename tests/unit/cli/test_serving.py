import httpx

from pileus.cli.serving import wait_until_served
from pileus.sdk import Client


def client_of(*revisions):
    served = list(revisions)

    def answer(request):
        revision = served.pop(0) if len(served) > 1 else served[0]
        if revision is None:
            error = {"code": "endpoint_not_found", "family": "not_found", "message": "no"}
            return httpx.Response(404, json={"error": error})
        return httpx.Response(200, json={"parameters": {"revision": revision}})

    return Client(
        "http://pileus.test",
        "plt_x",
        gateway_url="http://gateway.test",
        transport=httpx.MockTransport(answer),
    )


class TestWait:
    def test_it_ends_when_the_gateway_serves_the_revision(self):
        assert wait_until_served(client_of(None, "rvn_1", "rvn_2"), "digits", "rvn_2")

    def test_it_gives_up_in_time(self):
        assert not wait_until_served(client_of("rvn_1"), "digits", "rvn_2", seconds=0)

    def test_without_a_gateway_nothing_is_known(self):
        client = Client("http://pileus.test", "plt_x")

        assert not wait_until_served(client, "digits", "rvn_1")
