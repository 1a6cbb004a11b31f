"""One log record as a line: an object for programs, or a text for a person."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from pileus.core.logs import context
from pileus.core.logs.redaction import redacted


class JsonLines(logging.Formatter):
    """One JSON object a line; nothing in it is a secret."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        document: dict[str, Any] = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redacted(record.getMessage()),
            "process": self._process,
            "pid": record.process,
        }
        known = context.current()
        for field in context.FIELDS:
            value = getattr(record, field, None) or known.get(field)
            if value:
                document[field] = value
        if record.exc_info:
            document["exception"] = redacted(self.formatException(record.exc_info))
        return json.dumps(document, ensure_ascii=False, default=str)


class PlainLines(logging.Formatter):
    """For a person who started the process in a terminal."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))
