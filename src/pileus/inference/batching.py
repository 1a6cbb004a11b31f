"""
Runs together what waits, and never delays a lone request.

A short run is done on the event loop's own thread: handing a 50 µs computation to another costs more. A
long one is done in a thread, so that other models and their callers go on; what arrives meanwhile is the
next batch. Which of the two it is, a model's own runs tell.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pileus.inference.costs import Costs
from pileus.inference.errors import DeadlineExceeded, InferenceFailed, Overloaded

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from pileus.inference.runtime import Array, Runtime

MAX_BATCH_ROWS = 64
"""The reference model's images per second stop growing at 8 to 64 rows."""

MAX_BATCH_BYTES = 32 << 20
"""Joining inputs copies them; large images are not worth the copy."""

MAX_WAITING = 4096
"""Requests that may wait for one model; more of them would only be answered too late."""

INLINE_SECONDS = 0.002
"""A run that takes longer would be felt by every other request of the process."""

_LONG_WARM_UP_SECONDS = 0.05


@dataclass(slots=True)
class BatchAnswer:
    """The outputs of one request, and how many rows were computed with it."""

    outputs: list[Array]
    batch: int


@dataclass(slots=True)
class _Waiting:
    inputs: dict[str, Array]
    rows: int
    answer: asyncio.Future[BatchAnswer]


class Batcher:
    """The queue in front of one runtime. `threads` do the long runs; the loop's own when absent."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        is_batchable: bool,
        threads: Executor | None = None,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self._runtime = runtime
        self._is_batchable = is_batchable
        self._threads = threads
        self._max_waiting = max_waiting
        self._waiting: list[_Waiting] = []
        self._is_flushing = False
        """A flush is due, or a thread computes."""

        self._loop: asyncio.AbstractEventLoop | None = None
        """Remembered: asking for it is a call of the system each time (Python asks who it is)."""

        self.costs = Costs()

    def warm_up(self, inputs: dict[str, Array]) -> None:
        """Find out how long one row takes, before anybody waits for it."""
        for _ in range(2):  # the first run makes room for its own results
            started = time.perf_counter()
            try:
                self._runtime.run(inputs)
            except InferenceFailed:
                return  # made-up values are not for every graph
            seconds = time.perf_counter() - started
            if seconds > _LONG_WARM_UP_SECONDS:
                break
        self.costs.saw(1, seconds)

    async def run(
        self, inputs: dict[str, Array], rows: int, expires_at: float | None = None
    ) -> BatchAnswer:
        """The outputs for `rows` rows; `expires_at` is a time of the event loop.

        Raises InferenceFailed, Overloaded or DeadlineExceeded. What has expired is not run.
        """
        if expires_at is None:
            return await self._in_pieces(inputs, rows)
        try:
            async with asyncio.timeout_at(expires_at):
                return await self._in_pieces(inputs, rows)
        except TimeoutError as error:
            raise DeadlineExceeded from error

    async def _in_pieces(self, inputs: dict[str, Array], rows: int) -> BatchAnswer:
        if rows <= MAX_BATCH_ROWS or not self._is_batchable:
            return await self._submit(inputs, rows)
        # In pieces, so that other requests get their turn between them.
        pieces = [
            await self._submit(
                {name: array[start : start + MAX_BATCH_ROWS] for name, array in inputs.items()},
                min(MAX_BATCH_ROWS, rows - start),
            )
            for start in range(0, rows, MAX_BATCH_ROWS)
        ]
        columns = zip(*(piece.outputs for piece in pieces), strict=True)
        return BatchAnswer([np.concatenate(column) for column in columns], MAX_BATCH_ROWS)

    def _submit(self, inputs: dict[str, Array], rows: int) -> asyncio.Future[BatchAnswer]:
        if len(self._waiting) >= self._max_waiting:
            raise Overloaded(len(self._waiting), self._seconds_to_clear())
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.get_running_loop()
        answer: asyncio.Future[BatchAnswer] = loop.create_future()
        self._waiting.append(_Waiting(inputs, rows, answer))
        if not self._is_flushing:
            self._is_flushing = True
            loop.call_soon(self._flush)
        return answer

    def _flush(self) -> None:
        batch = self._take()
        if not batch:
            self._is_flushing = False
            return
        rows = sum(one.rows for one in batch)
        if self.costs.of(rows) <= INLINE_SECONDS:
            _settle(batch, self._compute(batch, rows))
            self._go_on()
            return
        loop = asyncio.get_running_loop()
        computing = loop.run_in_executor(self._threads, self._compute, batch, rows)
        computing.add_done_callback(lambda done: self._computed(batch, done))

    def _computed(
        self, batch: list[_Waiting], done: asyncio.Future[list[BatchAnswer | Exception]]
    ) -> None:
        error = None if done.cancelled() else done.exception()
        if error is None and not done.cancelled():
            _settle(batch, done.result())
        else:  # the process ends, or a bug of ours: nobody may wait for ever
            for request in batch:
                if not request.answer.done():
                    request.answer.set_exception(
                        error or InferenceFailed("The gateway is stopping")
                    )
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and self._loop is not None:
            self._loop.call_soon(self._flush)
        else:
            self._is_flushing = False

    def _seconds_to_clear(self) -> float:
        rows = sum(one.rows for one in self._waiting)
        seconds = self.costs.of(MAX_BATCH_ROWS) * rows / MAX_BATCH_ROWS
        return seconds if math.isfinite(seconds) else 1.0

    def _take(self) -> list[_Waiting]:
        """The first that waits, and those of its shapes that fit into a batch with it."""
        waiting = [request for request in self._waiting if not request.answer.done()]
        if not self._is_batchable or len(waiting) <= 1:
            self._waiting = waiting[1:]
            return waiting[:1]
        first = waiting[0]
        shapes = _shapes(first.inputs)
        room = _room(first)
        batch: list[_Waiting] = []
        left: list[_Waiting] = []
        for request in waiting:
            if request is first or (request.rows <= room and _shapes(request.inputs) == shapes):
                batch.append(request)
                room -= request.rows
            else:
                left.append(request)
        self._waiting = left
        return batch

    def _compute(self, batch: list[_Waiting], rows: int) -> list[BatchAnswer | Exception]:
        """What each of a batch gets. Runs on whichever thread; touches no future."""
        started = time.perf_counter()
        if len(batch) == 1:
            results = [self._compute_alone(batch[0])]
        else:
            results = self._compute_together(batch, rows)
        self.costs.saw(rows, time.perf_counter() - started)
        return results

    def _compute_together(self, batch: list[_Waiting], rows: int) -> list[BatchAnswer | Exception]:
        names = batch[0].inputs
        try:
            joined = {name: np.concatenate([one.inputs[name] for one in batch]) for name in names}
            outputs = _checked(self._runtime.run(joined), rows)
        except Exception:  # noqa: BLE001  one request's values must not fail its neighbours
            return [self._compute_alone(request) for request in batch]
        results: list[BatchAnswer | Exception] = []
        start = 0
        for request in batch:
            end = start + request.rows
            results.append(BatchAnswer([output[start:end] for output in outputs], rows))
            start = end
        return results

    def _compute_alone(self, request: _Waiting) -> BatchAnswer | Exception:
        try:
            outputs = _checked(self._runtime.run(request.inputs), request.rows)
        except Exception as error:  # noqa: BLE001  whatever it is belongs to the one who waits
            return error
        return BatchAnswer(outputs, request.rows)


def _settle(batch: list[_Waiting], results: list[BatchAnswer | Exception]) -> None:
    for request, result in zip(batch, results, strict=True):
        if request.answer.done():
            continue  # its caller has gone, or its time is over
        if isinstance(result, BatchAnswer):
            request.answer.set_result(result)
        else:
            request.answer.set_exception(result)


def _shapes(inputs: dict[str, Array]) -> list[tuple[int, ...]]:
    return [inputs[name].shape[1:] for name in sorted(inputs)]


def _room(first: _Waiting) -> int:
    row_bytes = max(1, sum(array.nbytes for array in first.inputs.values()) // first.rows)
    return min(MAX_BATCH_ROWS, max(first.rows, MAX_BATCH_BYTES // row_bytes))


def _checked(outputs: list[Array], rows: int) -> list[Array]:
    for output in outputs:
        if not output.shape or output.shape[0] != rows:
            raise InferenceFailed(
                f"The model answered {rows} rows with an output of shape {list(output.shape)}",
                hint="Every output needs the rows as its first dimension; export it again.",
            )
    return outputs
