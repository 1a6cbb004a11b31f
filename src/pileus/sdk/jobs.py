"""Jobs: submit, watch, cancel, and what their attempts report."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from pileus.core.stamps import SUFFIX
from pileus.sdk.api import Api, Document, quoted
from pileus.sdk.code import Code
from pileus.sdk.errors import NoResult
from pileus.sdk.log_times import TIMES_WAIT_SECONDS, Part, with_times

Stream = Literal["stdout", "stderr"]

LOG_WAIT_SECONDS = 15
"""How long the server holds a call for new bytes of a log; it permits 20."""

_SLACK_SECONDS = 15.0


class Jobs:
    """Jobs of a project."""

    def __init__(self, api: Api, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._code = Code(api)
        self._sleep = sleep

    def submit(self, spec: Document) -> Document:
        """Ask for a job; `spec` as in `pileus.core.schemas.jobs.JobSpec`."""
        return self._api.create(self._api.path("jobs"), dict(spec))

    def run(
        self,
        function: Callable[..., object],
        *args: Any,
        spec: Document | None = None,
        **kwargs: Any,
    ) -> Document:
        """Ask for a job that calls a function of a module of yours; `result` gives what it returned.

        Arguments and result are JSON. `spec` adds to the job's spec, such as `resources`. The folder
        that the module is imported from goes along as a code snapshot. Raises CallRefused,
        SnapshotRefused.
        """
        from pileus.sdk.calling import describe  # start-up time

        call = describe(function, args, kwargs)
        code = self._code.take(call.folder)
        return self.submit(
            {**(spec or {}), "kind": "command", "command": call.command, "code": code.id}
        )

    def result(self, identifier: str) -> Any:  # noqa: ANN401  any JSON value
        """What the function of a job returned, once it has. Raises NoResult."""
        from pileus.core.schemas.jobs import JobStatus  # start-up time

        job = self.wait(identifier)
        if job["status"] != JobStatus.SUCCEEDED or "result" not in job["summary"]:
            raise NoResult(
                f"Job {identifier!r} has {job['status']} without a result:"
                f" {job['reason'] or 'it called no function'}",
                hint=job["hint"],
            )
        return job["summary"]["result"]

    def estimate(self, spec: Document) -> Document:
        """What such a job would meet and cost now; nothing is submitted."""
        return self._api.post(self._api.path("jobs", "estimate"), dict(spec))

    def list(self, **where: str) -> Iterator[Document]:
        """Jobs, newest first, that have these values, such as `status="running"`."""
        return self._api.items(self._api.path("jobs"), where)

    def queue(self) -> Document:
        """Jobs that wait, first to start first, and what each waits for, as `items`."""
        return self._api.get(self._api.path("queue"))

    def top(self) -> Document:
        """What attempts that have not ended use of what they asked for, as `items`, and `nodes`."""
        return self._api.get(self._api.path("top"))

    def usage(self, identifier: str) -> Document:
        """What each attempt of a job uses, or has used in all, as `items`."""
        return self._api.get(self._api.path("jobs", identifier, "usage"))

    def get(self, identifier: str) -> Document:
        """One job."""
        return self._api.get(self._api.path("jobs", identifier))

    def cancel(self, identifier: str) -> Document:
        """Ask for a job to stop; the answer comes before it has."""
        return self._api.post(self._api.path("jobs", identifier, "cancel"))

    def delete(self, identifier: str, *, now: bool = False) -> Document:
        """Delete a job that has ended, with all that it left; its tombstone."""
        return self._api.delete(self._api.path("jobs", identifier), now=now)

    def attempts(self, identifier: str) -> Iterator[Document]:
        """Attempts of a job."""
        return self._api.items(self._api.path("jobs", identifier, "attempts"))

    def watch(self, identifier: str, *, every_seconds: float = 0.25) -> Iterator[Document]:
        """The job now, and again until its status is final, which is the last."""
        from pileus.core.schemas.jobs import JobStatus  # start-up time

        while True:
            job = self.get(identifier)
            yield job
            if JobStatus(job["status"]).is_final:
                return
            self._sleep(every_seconds)

    def wait(self, identifier: str, *, every_seconds: float = 0.25) -> Document:
        """The job once its status is final."""
        *_, job = self.watch(identifier, every_seconds=every_seconds)
        return job

    def logs(
        self,
        identifier: str,
        stream: Stream = "stdout",
        attempt: str | None = None,
        *,
        rank: int = 0,
    ) -> bytes:
        """What an attempt has written so far; when none is named, that of the latest try, of a
        gang the member with that rank.
        """
        return b"".join(self.written_logs(identifier, stream, attempt, rank=rank))

    def written_logs(
        self,
        identifier: str,
        stream: Stream = "stdout",
        attempt: str | None = None,
        *,
        rank: int = 0,
    ) -> Iterator[bytes]:
        """What an attempt has written so far, part by part."""
        parts = self._parts(identifier, stream, attempt or rank, 0)
        return (part.data for part in parts if part.data)

    def follow_logs(
        self,
        identifier: str,
        stream: Stream = "stdout",
        attempt: str | None = None,
        *,
        rank: int = 0,
        since: datetime | None = None,
        timestamps: bool = False,
    ) -> Iterator[bytes]:
        """Bytes as they are written, until the job has ended; with `timestamps`, lines after their
        times. With `since`, an aware time, none of the lines that are known to be from before.
        """
        parts = self._parts(identifier, stream, attempt or rank, LOG_WAIT_SECONDS, since)
        if not timestamps:
            return (part.data for part in parts if part.data)

        def times(attempt: str, offset: int) -> Part:
            name = f"{stream}{SUFFIX}"
            return self._part(identifier, name, attempt or rank, offset, TIMES_WAIT_SECONDS)

        return with_times(parts, times)

    def log_lines(
        self,
        identifier: str,
        stream: Stream = "stdout",
        attempt: str | None = None,
        *,
        rank: int = 0,
        grep: str = "",
        tail: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        timestamps: bool = False,
    ) -> bytes:
        """Lines written so far that contain `grep`, a plain text; the last `tail` of them.

        `since` and `until`, aware times, bound when they were written; with `timestamps` each line comes
        after its time in UTC, or `-` where that is not known. Such a line is one of every time.
        """
        params = {
            "stream": stream,
            "attempt": attempt,
            "rank": rank,
            "grep": grep,
            "tail": tail,
            "since": since.isoformat() if since else None,
            "until": until.isoformat() if until else None,
            "timestamps": timestamps,
        }
        path = self._api.path("jobs", identifier, "logs", "lines")
        return self._api.call("GET", path, params=params, timeout_seconds=600.0).content

    def metrics(self, identifier: str) -> Sequence[Document]:
        """Last, least and greatest value of each metric."""
        answer = self._api.get(self._api.path("jobs", identifier, "metrics"))
        items: Sequence[Document] = answer["items"]
        return items

    def metric(
        self, identifier: str, name: str, points: int = 1000
    ) -> Sequence[tuple[int, float, Any]]:
        """At most `points` of one metric, thinned so that they draw as all would: step, value, time."""
        path = self._api.path("jobs", identifier, "metrics", name)
        answer = self._api.get(path, points=points)
        return tuple((point[0], point[1], point[2]) for point in answer["points"])

    def metric_csv(self, identifier: str, name: str) -> bytes:
        """Every point of one metric as lines of CSV, with a header."""
        path = self._api.path("jobs", identifier, "points", name)
        return self._api.call("GET", path, timeout_seconds=600.0).content

    def artifacts(self, identifier: str) -> Sequence[Document]:
        """Files that the job left: path, digest, size."""
        answer = self._api.get(self._api.path("jobs", identifier, "artifacts"))
        items: Sequence[Document] = answer["items"]
        return items

    def artifact(self, identifier: str, path: str) -> bytes:
        """The bytes of one artifact."""
        base = self._api.path("jobs", identifier, "artifacts")
        parts = "/".join(quoted(part) for part in path.split("/"))
        return self._api.call("GET", f"{base}/{parts}", timeout_seconds=600.0).content

    def _parts(
        self,
        identifier: str,
        stream: str,
        attempt: str | int,
        wait_seconds: float,
        since: datetime | None = None,
    ) -> Iterator[Part]:
        offset = 0
        while True:
            part = self._part(identifier, stream, attempt, offset, wait_seconds, since)
            yield part
            is_at_end = part.next_offset == offset
            if is_at_end and (part.is_final or wait_seconds == 0):
                return
            offset, since = part.next_offset, since if part.next_offset == 0 else None

    def _part(
        self,
        identifier: str,
        stream: str,
        attempt: str | int,
        offset: int,
        wait_seconds: float,
        since: datetime | None = None,
    ) -> Part:
        """`attempt` is an id, or a rank of the latest try."""
        response = self._api.call(
            "GET",
            self._api.path("jobs", identifier, "logs"),
            params={
                "stream": stream,
                "offset": offset,
                "wait": wait_seconds,
                ("rank" if isinstance(attempt, int) else "attempt"): attempt,
                "since": since.isoformat() if since else None,
            },
            timeout_seconds=wait_seconds + _SLACK_SECONDS,
        )
        headers = response.headers
        return Part(
            response.content,
            next_offset=int(headers["Pileus-Next-Offset"]),
            is_final=headers["Pileus-Final"] == "true",
            attempt=headers.get("Pileus-Attempt", ""),
        )
