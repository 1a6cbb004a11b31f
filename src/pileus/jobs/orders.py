"""What a node is told of the attempts that it should run: their specs, with where a retry goes on."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from pileus.core.schemas.gangs import Seat
from pileus.core.schemas.jobs import Artifact, Attempt, AttemptInput, AttemptSpec, InputFile, Job
from pileus.jobs.gangs import members_of
from pileus.jobs.inputs import CHECKPOINT
from pileus.jobs.results import left_by, newest_tries
from pileus.jobs.store import Held, nodes
from pileus.storage.transaction import Snapshot

_PORTS = range(20_000, 30_000)
"""Below those that systems give to connections."""

_HERE = "127.0.0.1"


class Specs:
    """Specs of attempts in one state; what members of a gang share is read once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._meetings: dict[str, _Meeting] = {}
        self._saved: dict[str, dict[int, list[Artifact]]] = {}

    def of(self, held: Held) -> AttemptSpec:
        """All that a node needs; a retry finds the last checkpoint among its inputs."""
        job = held.job
        inputs = list(job.inputs)
        checkpoint = self._checkpoint(held)
        if checkpoint is not None:
            inputs.append(checkpoint)
        return AttemptSpec(
            attempt=held.attempt.id,
            job=job.id,
            project=job.project,
            number=held.attempt.number,
            command=job.spec.command,
            recipe_entry=job.params["entry"],
            environment=job.params["environment"],
            environment_file=job.spec.environment_file,
            env=job.spec.env,
            secrets=job.spec.secrets,
            inputs=tuple(inputs),
            params=job.params["values"],
            resources=job.spec.resources,
            seat=self._seat(job, held.attempt),
            sandbox=job.spec.sandbox,
            timeout_seconds=job.spec.timeout_seconds,
            grace_seconds=job.spec.grace_seconds,
            request_id=job.request_id,
        )

    def _seat(self, job: Job, attempt: Attempt) -> Seat | None:
        """Where a member of a gang meets the others; None for an attempt that is alone."""
        if job.spec.gang == 1:
            return None
        if job.id not in self._meetings:
            self._meetings[job.id] = _meeting(self._snapshot, attempt)
        address, port = self._meetings[job.id]
        return Seat(rank=attempt.rank, size=job.spec.gang, address=address, port=port)

    def _checkpoint(self, held: Held) -> AttemptInput | None:
        attempt = held.attempt
        if attempt.number == 1:
            return None
        if attempt.job not in self._saved:
            self._saved[attempt.job] = _saved(self._snapshot, attempt)
        saved = self._saved[attempt.job]
        # Rank 0 may save for all, or each its own part: what it saved itself comes first.
        own_first = sorted(saved, key=lambda rank: (rank != attempt.rank, rank))
        found: dict[str, Artifact] = {}
        for rank in own_first:
            for artifact in saved[rank]:
                found.setdefault(artifact.path.removeprefix(f"{CHECKPOINT}/"), artifact)
        files = tuple(
            InputFile(path=path, digest=found[path].digest, size=found[path].size)
            for path in sorted(found)
        )
        return AttemptInput(name=CHECKPOINT, kind="files", files=files) if files else None


class _Meeting(NamedTuple):
    address: str
    port: int


def _meeting(snapshot: Snapshot, attempt: Attempt) -> _Meeting:
    """Where the gang of an attempt meets: on the node of rank 0."""
    members = members_of(snapshot, attempt)
    node = nodes.get(snapshot, id=members[0].node)
    is_one_node = len({member.node for member in members}) == 1
    address = _HERE if is_one_node or node is None else node.address or node.name
    # Another one for each try. The node says when somebody has it already.
    digest = hashlib.sha256(f"{attempt.job}/{attempt.number}".encode()).digest()
    return _Meeting(address, _PORTS[int.from_bytes(digest[:8], "big") % len(_PORTS)])


def _saved(snapshot: Snapshot, attempt: Attempt) -> dict[int, list[Artifact]]:
    """Rank → what it saved in the earlier try that the most members saved in, of such the newest:
    of parts that belong together, those of a whole set."""
    best: dict[int, list[Artifact]] = {}
    for members in newest_tries(snapshot, attempt.job):
        if members[0].number >= attempt.number:
            continue
        by_attempt = left_by(snapshot, members, under=CHECKPOINT)
        saved = {one.rank: by_attempt[one.id] for one in members if one.id in by_attempt}
        if len(saved) > len(best):
            best = saved
        if len(best) == len(members):
            break
    return best
