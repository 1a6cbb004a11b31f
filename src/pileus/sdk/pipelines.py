"""Pipelines: run a file of jobs, watch, cancel, retry."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from pileus.sdk.api import Api, Document


class Pipelines:
    """Pipelines of a project; a spec is as in `pileus.core.schemas.pipelines.PipelineSpec`."""

    def __init__(self, api: Api, sleep: Callable[[float], None] = time.sleep) -> None:
        self._api = api
        self._sleep = sleep

    def submit(self, spec: Document) -> Document:
        """Submit all jobs of a pipeline, or none; `read_pipeline` makes a spec of a file."""
        return self._api.create(self._api.path("pipelines"), dict(spec))

    def check(self, spec: Document) -> Sequence[str]:
        """Names of the jobs in an order in which they could run; nothing is submitted."""
        answer = self._api.post(self._api.path("pipelines", "check"), dict(spec))
        jobs: Sequence[str] = answer["jobs"]
        return jobs

    def list(self) -> Iterator[Document]:
        """Pipelines, newest first."""
        return self._api.items(self._api.path("pipelines"))

    def get(self, identifier: str) -> Document:
        """One pipeline with its `steps`."""
        return self._api.get(self._api.path("pipelines", identifier))

    def cancel(self, identifier: str) -> Document:
        """Ask for all its jobs to stop; the answer comes before they have."""
        return self._api.post(self._api.path("pipelines", identifier, "cancel"))

    def retry(self, identifier: str) -> Document:
        """Run anew what failed or was cancelled; what succeeded is kept."""
        return self._api.create(self._api.path("pipelines", identifier, "retry"), None)

    def delete(self, identifier: str, *, now: bool = False) -> Document:
        """Delete a pipeline that has ended, and not its jobs; its tombstone."""
        return self._api.delete(self._api.path("pipelines", identifier), now=now)

    def watch(self, identifier: str, *, every_seconds: float = 0.25) -> Iterator[Document]:
        """The pipeline now, and again until it has ended, which is the last."""
        from pileus.core.schemas.jobs import JobStatus  # start-up time

        while True:
            pipeline = self.get(identifier)
            yield pipeline
            if pipeline["status"] is None or JobStatus(pipeline["status"]).is_final:
                return
            self._sleep(every_seconds)

    def wait(self, identifier: str, *, every_seconds: float = 0.25) -> Document:
        """The pipeline once it has ended."""
        *_, pipeline = self.watch(identifier, every_seconds=every_seconds)
        return pipeline
