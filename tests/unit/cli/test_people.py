import httpx

from pileus.cli.people import People
from pileus.sdk import Client


def people_of(answer):
    asked = []

    def serve(request):
        asked.append(request)
        return answer

    client = Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(serve))
    return People(client.members, client.deleted), asked


class TestName:
    def test_members_are_asked_for_once(self):
        page = {"items": [{"id": "prn_1", "subject": "prn_3", "name": "ada"}], "next": None}
        people, asked = people_of(httpx.Response(200, json=page))

        assert [people.name("prn_1"), people.name("prn_1"), people.name("job_2")] == [
            "ada",
            "ada",
            "job_2",
        ]
        assert len(asked) == 1

    def test_one_who_was_deleted_keeps_the_name(self):
        page = {"items": [{"id": "tmb_1", "subject": "prn_3", "name": "eve"}], "next": None}
        people, asked = people_of(httpx.Response(200, json=page))

        assert people.name("prn_3") == "eve"
        assert [request.url.path.rpartition("/")[2] for request in asked] == [
            "principals",
            "deleted",
        ]

    def test_who_may_not_ask_sees_the_id(self):
        refused = {"error": {"code": "role_too_low", "family": "not_allowed", "message": "no"}}
        people, _ = people_of(httpx.Response(403, json=refused))

        assert people.name("prn_1") == "prn_1"

    def test_nobody_has_no_name(self):
        people, _ = people_of(httpx.Response(200, json={"items": [], "next": None}))

        assert people.name(None) == ""
