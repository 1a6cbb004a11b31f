import asyncio

from pileus.core.logs import context


class TestAbout:
    def test_inner_ids_are_added_and_taken_back(self):
        with context.about(request_id="req_1", job="job_1"):
            with context.about(attempt="att_1", job=None):
                inner = dict(context.current())
            outer = dict(context.current())

        assert inner == {"request_id": "req_1", "job": "job_1", "attempt": "att_1"}
        assert outer == {"request_id": "req_1", "job": "job_1"}
        assert context.current() == {}

    async def test_tasks_do_not_hear_of_each_other(self):
        async def one(request: str) -> str | None:
            with context.about(request_id=request):
                await asyncio.sleep(0)
                return context.request_id()

        assert await asyncio.gather(*(one(f"req_{n}") for n in range(5))) == [
            f"req_{n}" for n in range(5)
        ]
