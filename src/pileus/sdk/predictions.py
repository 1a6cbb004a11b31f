"""Predictions: asking an endpoint through the gateway, and what is known of an answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pileus.core.errors import InvalidRequest
from pileus.sdk import tensors
from pileus.sdk.api import Api, Document, quoted

IMAGE_TYPES = {
    ".bmp": "image/bmp",
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".pgm": "image/x-portable-graymap",
    ".png": "image/png",
    ".ppm": "image/x-portable-pixmap",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".webp": "image/webp",
}
"""Suffix of a file → content type of the request."""

ADDRESSES = ("s3://", "https://", "http://")
"""How the address of an object begins that the gateway is to fetch."""


class Predictions:
    """Predictions of a project's endpoints."""

    def __init__(self, api: Api, gateway: Api) -> None:
        self._api = api
        self._gateway = gateway

    def predict(self, endpoint: str, source: Path | str | bytes | Any) -> Document:  # noqa: ANN401
        """The endpoint's answer, in the Open Inference Protocol.

        `source` is the path of an image, a CSV or a JSON file; the address of an image
        (`s3://…`, `https://…`) that the gateway may fetch; the bytes of a PNG image; an array;
        or rows, each a mapping by column or a list of numbers.
        """
        if isinstance(source, bytes):
            return self.image(endpoint, source, "image/png")
        if not isinstance(source, str | Path):
            return self._rows(endpoint, source)
        if isinstance(source, str) and source.startswith(ADDRESSES):
            return self.by_reference(endpoint, source)
        return self._file(endpoint, Path(source))

    def image(self, endpoint: str, content: bytes, content_type: str) -> Document:
        """The answer for one encoded image."""
        return self._send(endpoint, content, content_type)

    def by_reference(self, endpoint: str, reference: str) -> Document:
        """The answer for an image that the gateway fetches, if its settings allow that one."""
        return self.infer(endpoint, {"parameters": {"object": reference}})

    def infer(self, endpoint: str, request: Document) -> Document:
        """The answer for a request in the Open Inference Protocol."""
        return self._gateway.post(f"{self._model(endpoint)}/infer", dict(request))

    def signature(self, endpoint: str) -> Document:
        """Inputs and outputs of what the endpoint serves."""
        return self._gateway.get(self._model(endpoint))

    def columns(self, endpoint: str) -> Sequence[Document]:
        """Columns that a row has for the endpoint; empty when it takes no rows of a table."""
        taken = self.signature(endpoint)["inputs"][0]
        found: Sequence[Document] = taken.get("parameters", {}).get("columns", ())
        return found

    def ready(self, endpoint: str) -> bool:
        """True once the gateway serves the endpoint. Raises NotFound until it knows it."""
        self._gateway.call("GET", f"{self._model(endpoint)}/ready")
        return True

    def gateway(self) -> Document:
        """Name, version and extensions of the gateway."""
        return self._gateway.get("/v2")

    def get(self, identifier: str) -> Document:
        """What is known of one answered request: revision, price, latency, outcome."""
        return self._api.get(self._api.path("predictions", identifier))

    def _file(self, endpoint: str, path: Path) -> Document:
        kind = path.suffix.lower()
        if kind in IMAGE_TYPES:
            return self.image(endpoint, _read(path), IMAGE_TYPES[kind])
        if kind == ".csv":
            return self._send(endpoint, _read(path), "text/csv")
        if kind != ".json":
            raise InvalidRequest(
                f"{str(path)!r} is not an image, a CSV or a JSON file",
                hint=f"Use one of {', '.join([*IMAGE_TYPES, '.csv', '.json'])}.",
            )
        values = tensors.read_json(path.name, _read(path))
        if isinstance(values, Mapping):  # a whole request, or one row
            return self.infer(endpoint, values)
        return self._rows(endpoint, values)

    def _rows(self, endpoint: str, values: Any) -> Document:  # noqa: ANN401  array or rows
        if tensors.has_names(values):  # in whatever order: the gateway knows the model's
            return self._send(endpoint, tensors.json_of(values), "application/json")
        expected = self.signature(endpoint)["inputs"][0]
        return self.infer(endpoint, tensors.request_of(values, expected))

    def _send(self, endpoint: str, content: bytes, content_type: str) -> Document:
        response = self._gateway.call(
            "POST",
            f"{self._model(endpoint)}/infer",
            content=lambda: content,
            headers={"Content-Type": content_type},
        )
        answer: Document = response.json()
        return answer

    @staticmethod
    def _model(endpoint: str) -> str:
        return f"/v2/models/{quoted(endpoint)}"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequest(
            f"{str(path)!r} cannot be read: {error.strerror}", hint="Check the path."
        ) from error
