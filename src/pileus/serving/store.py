"""What serving needs from persistence."""

from __future__ import annotations

from pileus.core.schemas.serving import Endpoint, Revision
from pileus.serving.errors import EndpointNotFound
from pileus.serving.tables import ENDPOINTS, REVISIONS
from pileus.storage.rows import Rows
from pileus.storage.transaction import Snapshot

endpoints = Rows(ENDPOINTS, Endpoint)
revisions = Rows(REVISIONS, Revision)


def endpoint_named(snapshot: Snapshot, project: str, name: str) -> Endpoint:
    """An endpoint of a project. Raises EndpointNotFound."""
    endpoint = endpoints.get(snapshot, project=project, name=name)
    if endpoint is None:
        raise EndpointNotFound(name)
    return endpoint
