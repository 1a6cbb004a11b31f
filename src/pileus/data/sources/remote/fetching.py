"""Chooses what fetches an address, and compares what came with its checksum."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import NamedTuple

from pileus.data.errors import ChecksumRefused, SourceUnknown
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.remote.address import ObjectAddress, object_address, shown

_CHECKSUM = re.compile(r"sha256:([0-9a-fA-F]{64})")
SCHEMES = ("s3", "http", "https")


class Fetched(NamedTuple):
    """A file or folder that is here now, and the address it came from, without secrets."""

    path: Path
    address: str


def fetch(source: str, options: SourceOptions) -> Fetched:
    """What is at `source`, whole and with the right checksum. Raises SourceUnknown and others."""
    scheme = source.partition("://")[0].lower()
    wanted = checksum(options.checksum)
    into = options.scratch / "fetched"
    into.mkdir(parents=True, exist_ok=True)
    if scheme == "s3":
        fetched = _fetch_objects(object_address(source), into, options)
    elif scheme in {"http", "https"}:
        from pileus.data.sources.remote.download import download  # the same

        fetched = Fetched(download(source, into, options.report), shown(source))
    else:
        raise SourceUnknown(
            f"{shown(source)!r} is an address of an unknown kind",
            hint=f"Known are {', '.join(f'{one}://' for one in SCHEMES)}, and with --query the URL of any"
            " database that SQLAlchemy speaks to.",
        )
    _compare(fetched, wanted, options)
    return fetched


def _fetch_objects(address: ObjectAddress, into: Path, options: SourceOptions) -> Fetched:
    try:
        from pileus.data.sources.remote.object_store import fetch_objects  # an optional extra
    except ImportError as error:
        raise SourceUnknown(
            f"{address.shown!r} needs a library that is not installed: {error.name}",
            hint="Install it with: pip install 'pileus[s3]'",
        ) from error
    from pileus.data.settings import ObjectStoreSettings  # only for addresses

    settings = ObjectStoreSettings.from_environment()
    return Fetched(fetch_objects(address, settings, into, options), address.shown)


def checksum(text: str | None) -> str | None:
    """The hex digits of `sha256:HEX`. Raises ChecksumRefused."""
    if text is None:
        return None
    match = _CHECKSUM.fullmatch(text)
    if match is None:
        raise ChecksumRefused(
            f"{text!r} is not a checksum", hint="Write it as sha256: and 64 hexadecimal digits."
        )
    return match[1].lower()


def _compare(fetched: Fetched, wanted: str | None, options: SourceOptions) -> None:
    if fetched.path.is_dir():
        if wanted is not None:
            raise ChecksumRefused(
                f"{fetched.address!r} is many objects, which have no one checksum",
                hint="Leave --checksum out, or give the address of one object.",
            )
        return
    with fetched.path.open("rb") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    if wanted is None:
        options.notices.append(
            f"{fetched.address!r} was not checked against a checksum; next time, give"
            f" --checksum sha256:{found}"
        )
    elif found != wanted:
        raise ChecksumRefused(
            f"{fetched.address!r} has SHA-256 {found}, not {wanted}",
            hint="It is another file than you expect. Look where it came from before using it.",
        )
