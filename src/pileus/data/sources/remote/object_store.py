"""Objects of an S3 server, by obstore: one, or all below a prefix."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from pileus.core.errors import PileusError
from pileus.data.errors import ArchiveRefused, SourceNotFound, SourceUnreadable
from pileus.data.progress import Progress
from pileus.data.settings import ObjectStoreSettings
from pileus.data.sources.gathering import Gathered
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.reading import changed
from pileus.data.sources.remote.address import ObjectAddress
from pileus.data.sources.scratch import ScratchFiles

PIECE_BYTES = 1_000_000
"""Objects are held in pieces of about this size; smaller ones are fetched several at a time."""

_BREAKS = 3

StoreError = (BaseError, FileNotFoundError)
"""What obstore raises for what a server answers, or does not."""

_THREADS = 8
_PATIENCE = timedelta(seconds=60)
_TRANSFER = timedelta(days=7)


def open_store(
    address: ObjectAddress,
    settings: ObjectStoreSettings,
    *,
    patience: timedelta = _PATIENCE,
    transfer: timedelta = _TRANSFER,
) -> S3Store:
    """The bucket; nothing is asked yet."""
    options: dict[str, Any] = {
        "region": settings.region or "us-east-1",
        "skip_signature": settings.is_anonymous,
    }
    if settings.endpoint is not None:
        options["endpoint"] = settings.endpoint
    if settings.access_key_id is not None and settings.secret_access_key is not None:
        options["access_key_id"] = settings.access_key_id
        options["secret_access_key"] = settings.secret_access_key.get_secret_value()
        if settings.session_token is not None:
            options["session_token"] = settings.session_token.get_secret_value()
    return S3Store(
        address.bucket,
        client_options={
            # An operator who writes http:// means it; anything else is TLS.
            "allow_http": (settings.endpoint or "").lower().startswith("http://"),
            "connect_timeout": timedelta(seconds=10),
            "read_timeout": patience,
            "timeout": transfer,
        },
        retry_config={"max_retries": 5, "retry_timeout": patience},
        **options,
    )


def fetch_objects(
    address: ObjectAddress, settings: ObjectStoreSettings, into: Path, options: SourceOptions
) -> Path:
    """The file of an object, or the folder of a prefix. Raises SourceNotFound and others."""
    try:
        store = open_store(address, settings)
        if address.key and not address.key.endswith("/"):
            try:
                meta = obstore.head(store, address.key)
            except FileNotFoundError:
                pass  # a prefix, then
            else:
                return _fetch_one(store, address, meta, into, options)
        return _fetch_all(store, address, into, options)
    except StoreError as error:
        raise refusal(error, address, settings) from error


def refusal(error: Exception, address: ObjectAddress, settings: ObjectStoreSettings) -> PileusError:
    """What an S3 server's answer means to a person; never what was signed, nor with what."""
    who = "without credentials" if settings.is_anonymous else "with the credentials given"
    if isinstance(error, FileNotFoundError):
        return SourceNotFound(
            f"Nothing is at {address.shown!r}", hint="Check the bucket, the key and the endpoint."
        )
    if isinstance(error, PermissionDeniedError | UnauthenticatedError) or "403" in str(error):
        return SourceUnreadable(
            f"{address.shown!r} may not be read {who}",
            hint="Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and, for your own server,"
            " AWS_ENDPOINT_URL.",
        )
    return SourceUnreadable(
        f"{address.shown!r} cannot be read: {_reason(error)}",
        hint="Check AWS_ENDPOINT_URL and AWS_REGION, and that the server answers.",
    )


def _reason(error: Exception) -> str:
    """The first line of what obstore says: its debug text below may quote the request."""
    return str(error).partition("\n")[0][:300]


def _fetch_one(
    store: S3Store,
    address: ObjectAddress,
    meta: Any,  # noqa: ANN401  obstore's
    into: Path,
    options: SourceOptions,
) -> Path:
    name = address.key.rpartition("/")[2]
    files = ScratchFiles(into, repr(address.shown))
    files.expect(meta["size"])
    done = 0

    def pieces() -> Iterator[bytes]:
        nonlocal done
        for piece in _pieces(store, meta, address.shown):
            done += len(piece)
            options.report(Progress("fetch", done, meta["size"], "bytes"))
            yield piece

    files.write(name, pieces())
    return into / name


def _fetch_all(store: S3Store, address: ObjectAddress, into: Path, options: SourceOptions) -> Path:
    prefix = address.key if not address.key or address.key.endswith("/") else f"{address.key}/"
    root = into / (prefix.rstrip("/").rpartition("/")[2] or address.bucket)
    fetching = _Fetching(store, ScratchFiles(root, repr(address.shown)), options)
    with ThreadPoolExecutor(_THREADS, thread_name_prefix="fetch") as pool:
        try:
            for batch in obstore.list(store, prefix or None):
                for meta in batch:
                    fetching.take(meta, meta["path"][len(prefix) :], pool)
            fetching.finish()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    if not fetching.count:
        raise SourceNotFound(
            f"Nothing is at {address.shown!r}", hint="Check the bucket, the key and the endpoint."
        )
    fetching.gathered.report("objects")
    return root


class _Fetching:
    """Small objects several at a time, written in the order of the list; large ones alone."""

    def __init__(self, store: S3Store, files: ScratchFiles, options: SourceOptions) -> None:
        self.count = 0
        self.gathered = Gathered(options.faults)
        self._store = store
        self._files = files
        self._report = options.report
        self._done = 0
        self._waiting: deque[tuple[str, Future[list[bytes]]]] = deque()
        self._empty: list[str] = []

    def take(self, meta: Any, name: str, pool: ThreadPoolExecutor) -> None:  # noqa: ANN401  obstore's
        """One object of the list."""
        if not meta["size"]:
            self._empty.append(name)
            return
        self.count += 1
        if meta["size"] > PIECE_BYTES:
            self._write(name, _pieces(self._store, meta, meta["path"]))
        else:
            self._waiting.append((name, pool.submit(_small, self._store, meta)))
        while len(self._waiting) > 2 * _THREADS:
            self._settle()

    def finish(self) -> None:
        """What is still on its way; then empty objects, unless they only show a folder."""
        while self._waiting:
            self._settle()
        for name in self._empty:
            if name and not (self._files.root / name).is_dir():
                self.count += 1
                self._write(name, iter(()))

    def _settle(self) -> None:
        name, future = self._waiting.popleft()
        self._write(name, iter(future.result()))

    def _write(self, name: str, pieces: Iterator[bytes]) -> None:
        try:
            self._files.write(name, self._counted(pieces))
        except ArchiveRefused as error:
            self.gathered.add(error, name)

    def _counted(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            yield piece
            self._done += len(piece)
            self._report(Progress("fetch", self._done, None, "bytes"))


def _small(store: S3Store, meta: Any) -> list[bytes]:  # noqa: ANN401  obstore's
    return list(_pieces(store, meta, meta["path"]))


def _pieces(store: S3Store, meta: Any, shown: str) -> Iterator[bytes]:  # noqa: ANN401  obstore's
    """The bytes of an object; a stream that breaks goes on from there, in the same version."""
    done = breaks = 0
    while done < meta["size"]:
        before = done
        # No range unless it is needed: some servers do not answer one as the protocol says.
        rest: Any = {"range": (done, meta["size"])} if done else None
        try:
            answer = obstore.get(store, meta["path"], options=rest)
            if _version(answer.meta) != _version(meta):
                raise changed(shown)
            for chunk in answer.stream(min_chunk_size=PIECE_BYTES):
                piece = bytes(chunk)
                done += len(piece)
                yield piece
        except BaseError:
            breaks = breaks + 1 if done == before else 0
            if done == 0 or breaks > _BREAKS:
                raise
        else:
            if done != meta["size"]:
                raise changed(shown)


def _version(meta: Any) -> tuple[int, str]:  # noqa: ANN401  obstore's
    """Size and tag; in lists, some servers leave out the quotes of a tag."""
    return meta["size"], (meta.get("e_tag") or "").strip('"')
