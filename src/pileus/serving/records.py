"""Prediction records: segments in blobs. An id tells its segment, so finding one needs no index."""

from __future__ import annotations

import json
from typing import Any

from pileus.core import ids
from pileus.core.failpoints import failpoint
from pileus.metering.storage import StorageAccount
from pileus.security.errors import ProjectNotFound
from pileus.security.store import projects
from pileus.serving.errors import PredictionNotFound
from pileus.serving.tables import SEGMENTS
from pileus.storage.blob import BlobStore, read_all
from pileus.storage.database import Database
from pileus.storage.transaction import Transaction

PREFIX = "prd"
LANE_SHIFT, NUMBER_SHIFT = 58, 32
NUMBER_BITS = 26


class RecordService:
    """Takes segments from gateways, finds records in them."""

    def __init__(self, database: Database, blobs: BlobStore, storage: StorageAccount) -> None:
        self._database = database
        self._blobs = blobs
        self._storage = storage

    async def take(self, project: str, lane: int, number: int, source: str, data: bytes) -> None:
        """Keep a sealed segment. Repeating it changes nothing. Raises ProjectNotFound."""
        digest = await self._blobs.put_bytes(project, data)
        failpoint("segment.stored")

        def work(transaction: Transaction) -> None:
            if projects.get(transaction, id=project) is None:
                raise ProjectNotFound(f"Project {project!r} was deleted", hint="Drop its records.")
            self._storage.add(transaction, project, digest, len(data))
            transaction.put(
                SEGMENTS,
                {
                    "project": project,
                    "lane": lane,
                    "number": number,
                    "source": source,
                    "digest": digest,
                    "size": len(data),
                    "created_at": transaction.now,
                },
            )

        await self._database.write(work)

    async def record(self, project: str, prediction: str) -> dict[str, Any]:
        """What is known of one prediction. Raises PredictionNotFound, InvalidRequest."""
        lane, number = address(prediction)
        segments = await self._database.read(
            lambda snapshot: snapshot.find(
                SEGMENTS,
                [("project", "=", project), ("lane", "=", lane), ("number", "=", number)],
                order=["created_at"],
            )
        )
        needle = prediction.encode()
        for segment in segments:
            data = await read_all(self._blobs, project, segment["digest"])
            for line in data.splitlines():
                if needle in line and (found := _parse(line)).get("id") == prediction:
                    return found
        raise PredictionNotFound(prediction)


def address(prediction: str) -> tuple[int, int]:
    """Lane and segment number that an id carries. Raises InvalidRequest."""
    bits = ids.free_bits(prediction, PREFIX)
    return bits >> LANE_SHIFT, (bits >> NUMBER_SHIFT) & ((1 << NUMBER_BITS) - 1)


def _parse(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError:
        return {}  # a kill cut the last line of a segment
    return record if isinstance(record, dict) else {}
