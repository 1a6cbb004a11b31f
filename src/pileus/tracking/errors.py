"""Errors of tracking."""

from pileus.core.errors import InvalidRequest, NotFound


class StreamUnknown(InvalidRequest, code="stream_unknown"):
    """A stream that attempts do not have."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"Stream {name!r} is not known", hint="Streams are stdout, stderr and metrics."
        )


class StreamGap(InvalidRequest, code="stream_gap"):
    """Bytes were sent for an offset beyond the end of the stream."""


class ArtifactNotFound(NotFound, code="artifact_not_found"):
    """The job left no artifact of that path."""


class MetricNotFound(NotFound, code="metric_not_found"):
    """The job reported no metric of that name."""
