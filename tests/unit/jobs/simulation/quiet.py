"""An event loop that knows when everything waits for the world's next step."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any


class QuietLoop(asyncio.SelectorEventLoop):
    """Counts what is scheduled; threads of `to_thread` run in place, so that their order is ours."""

    def __init__(self) -> None:
        super().__init__()
        self._turns = 0
        self._outside = 0
        self._returned = asyncio.Event()
        self._forgotten: list[asyncio.Future[None]] = []
        self.set_default_executor(_InPlace())

    def call_soon(self, callback, *args, context=None):  # type: ignore[override]
        self._turns += 1
        return super().call_soon(callback, *args, context=context)

    def call_soon_threadsafe(self, callback, *args, context=None):  # type: ignore[override]
        self._turns += 1
        return super().call_soon_threadsafe(callback, *args, context=context)

    async def quiet(self) -> None:
        """Return when every other task waits for something that only the world can bring."""
        while True:
            before = self._turns
            await asyncio.sleep(0)
            if self._turns > before + 1:  # one is this task's own
                continue
            if not self._outside:
                return
            self._returned.clear()
            await self._returned.wait()

    async def outside(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Await what threads of a database do; the loop is not quiet before."""
        self._outside += 1
        try:
            return await work
        finally:
            self._outside -= 1
            self._returned.set()

    async def never(self) -> None:
        """Where a process stands that was killed."""
        future = self.create_future()
        self._forgotten.append(future)  # or its task would be collected, with a complaint
        await future


def play(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` in a loop of its own."""
    with asyncio.Runner(loop_factory=QuietLoop) as runner:
        runner.run(work())


def current() -> QuietLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, QuietLoop)
    return loop


class _InPlace(ThreadPoolExecutor):
    def submit(self, fn, /, *args, **kwargs):
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  it is the caller's
            future.set_exception(error)
        return future
