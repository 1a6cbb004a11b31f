"""Who ran when: each process of an attempt notes its start and its end, with its lease token."""

from __future__ import annotations

import itertools
from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Span:
    """A process that ran. Order is the world's own count of events, so equal times do not touch."""

    job: str
    number: int
    attempt: str
    token: str
    machine: str
    started: float
    began: int
    ended: float | None = None
    ceased: int | None = None


class FenceLog:
    """The proof that one try of a job ran at a time."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self._events = 0

    def start(
        self, job: str, number: int, attempt: str, token: str, machine: str, now: float
    ) -> Span:
        self._events += 1
        span = Span(job, number, attempt, token, machine, now, self._events)
        self.spans.append(span)
        return span

    def end(self, span: Span, now: float) -> None:
        if span.ceased is None:
            self._events += 1
            span.ended, span.ceased = now, self._events

    def check(self) -> None:
        of_job: dict[str, list[Span]] = defaultdict(list)
        for span in self.spans:
            of_job[span.job].append(span)
        for job, spans in of_job.items():
            assert len({s.attempt for s in spans}) == len(spans), f"an attempt ran twice: {spans}"
            for earlier, later in itertools.combinations(spans, 2):
                is_over = earlier.ceased is not None and earlier.ceased < later.began
                is_one_try = earlier.number == later.number  # members of a gang
                assert is_over or is_one_try, f"two tries of {job} at once: {earlier} and {later}"
                assert earlier.number <= later.number, f"a try of {job} came back: {later}"
