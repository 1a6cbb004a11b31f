"""Addresses: taken apart once, and shown without what is secret in them."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from pileus.data.errors import SourceUnknown


class ObjectAddress(NamedTuple):
    """`s3://BUCKET/KEY`; a key that is empty, or ends in a slash, is a prefix."""

    bucket: str
    key: str

    @property
    def shown(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def object_address(source: str) -> ObjectAddress:
    """The parts of an `s3://` address. Raises SourceUnknown."""
    parts = urlsplit(source)
    bucket, key = parts.netloc, source.partition("://")[2].partition("/")[2]
    if not bucket or "@" in bucket or ":" in bucket:
        raise SourceUnknown(
            f"{shown(source)!r} does not name a bucket",
            hint="Write it as s3://BUCKET/KEY; credentials are in AWS_ACCESS_KEY_ID and its like.",
        )
    if any(part in {".", ".."} for part in key.split("/")) or "//" in f"/{key}":
        raise SourceUnknown(
            f"{shown(source)!r} has an empty part, '.' or '..' in its key",
            hint="Write the key as the bucket lists it.",
        )
    return ObjectAddress(bucket, key)


def shown(url: str) -> str:
    """A URL without user, password, query and fragment, each of which may be a secret."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def file_name(url: str) -> str:
    """The last part of a URL's path."""
    return unquote(urlsplit(url).path.rstrip("/").rpartition("/")[2])
