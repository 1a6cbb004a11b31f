"""
Objects that a request names instead of carrying them: fetched within a list of prefixes.

A reference is brought into one form before it is compared, so that no spelling of a path leads
out of a prefix. Nothing else is reachable: not by a redirect, not by a query.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, unquote, urlsplit

import httpx

from pileus.core.settings import InvalidSettings
from pileus.gateway.errors import (
    ObjectAway,
    ObjectNotAllowed,
    ObjectNotFound,
    ObjectTooLarge,
)

if TYPE_CHECKING:
    from obstore.store import S3Store

_AT_ONCE = 4
_REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_ENCODED = re.compile(r"%[0-9a-fA-F]{2}")
_HINT = "Name it as s3://BUCKET/KEY or https://HOST/PATH, without query, '..' or encoded slashes."


class Reference(NamedTuple):
    """An object's address in its one form; `path` is decoded and has no leading slash."""

    scheme: str
    host: str
    path: str

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}/{quote(self.path)}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}/{self.path}"

    def is_below(self, prefix: Reference) -> bool:
        """Whether it is what the prefix names, or below it as a folder is."""
        if (self.scheme, self.host) != (prefix.scheme, prefix.host):
            return False
        folder = prefix.path.rstrip("/")
        return not folder or self.path == prefix.path or self.path.startswith(f"{folder}/")


def read_reference(text: str) -> Reference:
    """Raises ObjectNotAllowed for what has no one form."""
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ObjectNotAllowed("The reference is no address", hint=_HINT) from error
    scheme = parts.scheme.lower()
    # A key may hold any letter, so it is taken as it is; the path of a URL is decoded, once.
    path = text.partition("://")[2].partition("/")[2] if scheme == "s3" else unquote(parts.path[1:])
    faults = (
        scheme not in {"s3", *_PORTS},
        host is None,
        parts.username is not None or parts.password is not None,
        scheme != "s3" and ("?" in text or "#" in text),
        scheme == "s3" and port is not None,
        scheme != "s3" and _ENCODED.search(path) is not None,
        "\\" in path or not path.isprintable() or "\ufffd" in path,
        any(part in {".", ".."} for part in path.split("/")) or "//" in f"/{path}",
    )
    if any(faults) or host is None:
        raise ObjectNotAllowed("The reference is not one that is followed", hint=_HINT)
    if port is not None and port != _PORTS.get(scheme):
        host = f"{host}:{port}"
    return Reference(scheme, parts.netloc if scheme == "s3" else host, path)


def read_prefix(text: str) -> Reference:
    """An entry of the operator's list. Raises InvalidSettings."""
    try:
        return read_reference(text)
    except ObjectNotAllowed as error:
        shown = text.rpartition("@")[2]  # before it stands what may be a password
        raise InvalidSettings(
            f"Setting gateway.allowed_objects has {shown!r}, which is no address of objects",
            hint="Write s3://BUCKET/FOLDER or https://HOST/FOLDER, without user, query or '..'.",
        ) from error


class AllowedObjects:
    """What the operator lets requests name, and how much of it and for how long it is fetched."""

    def __init__(
        self,
        prefixes: Sequence[str],
        *,
        max_bytes: int,
        seconds: float,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._prefixes = [read_prefix(prefix) for prefix in prefixes]
        self._max_bytes = max_bytes
        self._seconds = seconds
        self._transport = transport
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def fetch(self, text: str) -> tuple[Reference, bytes]:
        """An object's bytes. Raises ObjectNotAllowed, ObjectNotFound, ObjectTooLarge, ObjectAway."""
        reference = self._checked(text)
        try:
            async with asyncio.timeout(self._seconds), self._turns:
                if reference.scheme == "s3":
                    return reference, await self._from_store(reference)
                return reference, await self._from_web(reference)
        except TimeoutError as error:
            raise ObjectAway(
                f"{str(reference)!r} did not arrive within {self._seconds:g} s",
                hint="Try again, or send the content itself.",
            ) from error

    def _checked(self, text: str) -> Reference:
        if not self._prefixes:
            raise ObjectNotAllowed(
                "This gateway fetches no objects",
                hint="Its operator may list prefixes as 'allowed_objects' of [gateway].",
            )
        reference = read_reference(text)
        if not any(reference.is_below(prefix) for prefix in self._prefixes):
            raise ObjectNotAllowed(
                f"{str(reference)!r} is not among the objects that this gateway fetches",
                hint="Its operator may add a prefix to 'allowed_objects' of [gateway].",
            )
        return reference

    async def _from_web(self, reference: Reference) -> bytes:
        async with httpx.AsyncClient(
            transport=self._transport, trust_env=False, timeout=self._seconds
        ) as client:
            for _ in range(_REDIRECTS + 1):
                request = client.build_request(
                    "GET", reference.url, headers={"Accept-Encoding": "identity"}
                )
                try:
                    response = await client.send(request, stream=True)
                    try:
                        if not response.has_redirect_location:
                            return await self._body(reference, response)
                        target = response.url.join(response.headers["location"])
                    finally:
                        await response.aclose()
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    raise self._away(reference, str(error) or type(error).__name__) from error
                reference = self._checked(str(target))
        raise self._away(reference, f"more than {_REDIRECTS} redirects")

    async def _body(self, reference: Reference, response: httpx.Response) -> bytes:
        if response.status_code in {401, 403, 404, 410}:
            raise self._absent(reference)
        if response.status_code != 200:
            raise self._away(reference, f"the answer was {response.status_code}")
        content = bytearray()
        async for chunk in response.aiter_raw():
            content += chunk
            self._check_size(reference, len(content))
        return bytes(content)

    async def _from_store(self, reference: Reference) -> bytes:
        try:
            # A lane that is asked for no object does without; the import itself takes a while.
            store = await asyncio.to_thread(_open_store, reference, self._seconds)
            import obstore.exceptions  # the same
        except ImportError as error:
            raise self._away(reference, "'pileus[s3]' is not installed") from error
        content = bytearray()
        try:
            answer = await obstore.get_async(store, reference.path)
            self._check_size(reference, answer.meta["size"])
            async for chunk in answer.stream():
                content += bytes(chunk)
                self._check_size(reference, len(content))
        except FileNotFoundError as error:
            raise self._absent(reference) from error
        except obstore.exceptions.PermissionDeniedError as error:
            raise self._absent(reference) from error
        except obstore.exceptions.BaseError as error:
            raise self._away(reference, "the store does not answer as expected") from error
        return bytes(content)

    def _check_size(self, reference: Reference, size: int) -> None:
        if size > self._max_bytes:
            raise ObjectTooLarge(
                f"{str(reference)!r} has more than {self._max_bytes:,} bytes",
                hint="Make it smaller, or raise 'max_object_mib' of [gateway].",
            )

    @staticmethod
    def _absent(reference: Reference) -> ObjectNotFound:
        return ObjectNotFound(
            f"{str(reference)!r} is not there, or the gateway may not read it",
            hint="Check the key; the credentials are the gateway's own.",
        )

    @staticmethod
    def _away(reference: Reference, why: str) -> ObjectAway:
        return ObjectAway(
            f"{str(reference)!r} cannot be fetched: {why}",
            hint="Try again, or send the content itself.",
        )


def _open_store(reference: Reference, seconds: float) -> S3Store:
    from pileus.data.settings import ObjectStoreSettings  # only for objects
    from pileus.data.sources.remote.address import ObjectAddress  # the same
    from pileus.data.sources.remote.object_store import open_store  # the same

    limit = timedelta(seconds=seconds)
    address = ObjectAddress(reference.host, reference.path)
    settings = ObjectStoreSettings.from_environment()
    return open_store(address, settings, patience=limit, transfer=limit)
