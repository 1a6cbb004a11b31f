import asyncio
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from pileus.inference.batching import INLINE_SECONDS, Batcher
from pileus.inference.errors import DeadlineExceeded, InferenceFailed, Overloaded


class Doubling:
    """A graph that doubles its input, each run as long as it is told to wait."""

    def __init__(self) -> None:
        self.runs: list[list[float]] = []
        self.threads: set[int] = set()
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def run(self, inputs):
        self.threads.add(threading.get_ident())
        self.runs.append(inputs["x"].ravel().tolist())
        self.may_go_on.wait(10)
        if (inputs["x"] < 0).any():
            raise InferenceFailed("negative")
        return [inputs["x"] * 2]


@pytest.fixture
def graph() -> Iterator[Doubling]:
    made = Doubling()
    yield made
    made.may_go_on.set()


@pytest.fixture
def slow(graph) -> Batcher:
    """A model that is known to compute for long."""
    batcher = Batcher(graph, is_batchable=True, max_waiting=3)
    for rows in (1, 2, 4, 8, 64):
        batcher.costs.saw(rows, 10 * INLINE_SECONDS)
    return batcher


def row(value: float) -> dict[str, np.ndarray]:
    return {"x": np.array([[value]])}


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def value_of(asked) -> float:
    return (await asked).outputs[0].item()


class TestWhere:
    async def test_a_short_run_is_done_in_the_loop(self, graph):
        batcher = Batcher(graph, is_batchable=True)
        batcher.warm_up(row(0))

        assert await value_of(batcher.run(row(3), 1)) == 6
        assert graph.threads == {threading.get_ident()}

    async def test_a_run_of_unknown_length_is_done_in_a_thread(self, graph):
        batcher = Batcher(graph, is_batchable=True)

        assert await value_of(batcher.run(row(3), 1)) == 6
        assert threading.get_ident() not in graph.threads

    async def test_a_graph_that_refuses_zeros_is_no_less_served(self, graph):
        batcher = Batcher(graph, is_batchable=True)

        batcher.warm_up(row(-1))

        assert await value_of(batcher.run(row(3), 1)) == 6


class TestLongRuns:
    async def test_others_go_on_and_what_comes_meanwhile_is_the_next_batch(self, graph, slow):
        graph.may_go_on.clear()
        first = asyncio.create_task(slow.run(row(1), 1))
        await until(lambda: graph.runs == [[1]])
        fast = Doubling()
        other = Batcher(fast, is_batchable=True)
        other.warm_up(row(0))
        later = [asyncio.create_task(slow.run(row(value), 1)) for value in (2, 3)]

        assert await value_of(other.run(row(4), 1)) == 8
        assert not first.done()

        graph.may_go_on.set()
        assert [await value_of(task) for task in (first, *later)] == [2, 4, 6]
        assert graph.runs == [[1], [2, 3]]

    async def test_more_than_may_wait_are_told_when_to_come_back(self, graph, slow):
        graph.may_go_on.clear()
        tasks = [asyncio.create_task(slow.run(row(1), 1))]
        await until(lambda: graph.runs == [[1]])
        tasks += [asyncio.create_task(slow.run(row(value), 1)) for value in (2, 3, 4)]
        await asyncio.sleep(0)

        with pytest.raises(Overloaded, match="3 requests wait") as caught:
            await slow.run(row(5), 1)

        assert caught.value.retry_after_seconds == 1
        graph.may_go_on.set()
        assert [await value_of(task) for task in tasks] == [2, 4, 6, 8]

    async def test_what_has_expired_is_not_run(self, graph, slow):
        graph.may_go_on.clear()
        first = asyncio.create_task(slow.run(row(1), 1))
        await until(lambda: graph.runs == [[1]])

        with pytest.raises(DeadlineExceeded):
            await slow.run(row(2), 1, asyncio.get_running_loop().time() + 0.01)

        graph.may_go_on.set()
        assert await value_of(first) == 2
        assert await value_of(slow.run(row(3), 1)) == 6
        assert graph.runs == [[1], [3]]

    async def test_a_bad_request_does_not_fail_its_neighbours(self, graph, slow):
        graph.may_go_on.clear()
        first = asyncio.create_task(slow.run(row(1), 1))
        await until(lambda: graph.runs == [[1]])
        bad, good = (asyncio.create_task(slow.run(row(value), 1)) for value in (-2, 3))
        await asyncio.sleep(0)
        graph.may_go_on.set()

        await first
        with pytest.raises(InferenceFailed, match="negative"):
            await bad
        assert await value_of(good) == 6

    async def test_a_bug_fails_those_who_wait_and_not_the_ones_after_them(
        self, graph, slow, monkeypatch
    ):
        def broken(*_):
            raise MemoryError("no room")

        monkeypatch.setattr(slow, "_compute", broken)
        with pytest.raises(MemoryError):
            await slow.run(row(1), 1)

        monkeypatch.undo()
        assert await value_of(slow.run(row(3), 1)) == 6


async def test_what_has_expired_before_it_came_is_not_run(graph):
    batcher = Batcher(graph, is_batchable=True)
    batcher.costs.saw(1, 0)

    with pytest.raises(DeadlineExceeded):
        await batcher.run(row(1), 1, asyncio.get_running_loop().time() - 1)
    await asyncio.sleep(0)

    assert graph.runs == []


async def test_an_answer_in_time_is_an_answer(graph):
    batcher = Batcher(graph, is_batchable=True)

    asked = batcher.run(row(2), 1, asyncio.get_running_loop().time() + 30)

    assert await value_of(asked) == 4
