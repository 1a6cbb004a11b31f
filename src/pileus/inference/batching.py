"""
Runs together what waits in the same turn of the event loop; never delays a lone request.

The graph runs on the loop's own thread: handing a 50 µs computation to another costs more.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pileus.inference.errors import InferenceFailed

if TYPE_CHECKING:
    from pileus.inference.runtime import Array, Runtime

MAX_BATCH_ROWS = 64
"""The reference model's images per second stop growing at 8 to 64 rows."""

MAX_BATCH_BYTES = 32 << 20
"""Joining inputs copies them; large images are not worth the copy."""


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
    """The queue in front of one runtime."""

    def __init__(self, runtime: Runtime, *, is_batchable: bool) -> None:
        self._runtime = runtime
        self._is_batchable = is_batchable
        self._waiting: list[_Waiting] = []

    async def run(self, inputs: dict[str, Array], rows: int) -> BatchAnswer:
        """The outputs for `rows` rows. Raises InferenceFailed."""
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
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[BatchAnswer] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._flush)
        self._waiting.append(_Waiting(inputs, rows, answer))
        return answer

    def _flush(self) -> None:
        batch = self._take()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._flush)
        if len(batch) == 1:
            self._compute_alone(batch[0])
        elif batch:
            self._compute_together(batch)

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

    def _compute_together(self, batch: list[_Waiting]) -> None:
        names = batch[0].inputs
        rows = sum(one.rows for one in batch)
        try:
            joined = {name: np.concatenate([one.inputs[name] for one in batch]) for name in names}
            outputs = _checked(self._runtime.run(joined), rows)
        except Exception:  # noqa: BLE001  one request's values must not fail its neighbours
            for request in batch:
                self._compute_alone(request)
            return
        start = 0
        for request in batch:
            end = start + request.rows
            if not request.answer.done():
                request.answer.set_result(BatchAnswer([o[start:end] for o in outputs], rows))
            start = end

    def _compute_alone(self, request: _Waiting) -> None:
        if request.answer.done():
            return
        try:
            outputs = _checked(self._runtime.run(request.inputs), request.rows)
        except Exception as error:  # noqa: BLE001  whatever it is belongs to the one who waits
            request.answer.set_exception(error)
        else:
            request.answer.set_result(BatchAnswer(outputs, request.rows))


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
