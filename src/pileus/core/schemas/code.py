"""Code snapshots: the files of a folder as an attempt finds them, named by their content.

A manifest lists the files; a pack holds their bytes, one after the other in the manifest's order.
Equal files make equal bytes of both, so that the same code is uploaded once.
"""

from __future__ import annotations

import hashlib
import json
import unicodedata
from datetime import datetime
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from pileus.core.schemas.base import Answer, Row, Schema

PREFIX = "code_"
_ID_DIGITS = 40

MANIFEST = "manifest.json"
PACK = "pack"
"""Names of the two files of an attempt's input of kind `code`."""

MAX_FILES = 10_000
MAX_BYTES = 100 * 1024 * 1024
"""What is larger is data: a dataset is uploaded once and read by every job."""

MAX_MANIFEST_BYTES = 8 * 1024 * 1024
MAX_DIFF_BYTES = 256 * 1024
"""Of a diff; the rest of a longer one is cut."""

MAX_PATH = 1000
"""Characters of a path."""

_NOT_NAMES = {"", ".", ".."}

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def checked_path(path: str) -> str:
    """A relative path in NFC that stays inside its folder. Raises ValueError."""
    if unicodedata.normalize("NFC", path) != path:
        raise ValueError(f"{path!r} is not in Unicode's form NFC")
    if not _NOT_NAMES.isdisjoint(path.split("/")) or len(path) > MAX_PATH:
        raise ValueError(f"{path!r} is not a path inside a folder")
    if any(ord(character) < 0x20 or 0xD800 <= ord(character) < 0xE000 for character in path):
        raise ValueError(f"{path!r} holds a control character or a lone surrogate")
    return path


def checked_environment_file(path: str) -> str:
    """The path of a file that says what to install. Raises ValueError."""
    name = PurePosixPath(checked_path(path)).name
    if name not in {"pyproject.toml", "uv.lock"} and not name.endswith(".txt"):
        raise ValueError(f"{path!r} is no requirements.txt, pyproject.toml or uv.lock")
    return path


CodePath = Annotated[str, AfterValidator(checked_path)]


class CodeFile(Schema):
    """One file of a snapshot."""

    path: CodePath
    size: int = Field(ge=0)
    digest: Digest
    is_executable: bool = False


class CodeManifest(Schema):
    """The files of a snapshot, by path, and the pack that holds their bytes."""

    schema_: Literal[1] = Field(default=1, alias="schema")
    pack: Digest
    files: tuple[CodeFile, ...] = Field(min_length=1, max_length=MAX_FILES)

    model_config = Schema.model_config | {"populate_by_name": True, "serialize_by_alias": True}

    @model_validator(mode="after")
    def _check(self) -> CodeManifest:
        for before, after in pairwise(self.files):
            if before.path >= after.path:
                raise ValueError(f"{after.path!r} is not in order after {before.path!r}")
        paths = {file.path for file in self.files}
        for path in paths:
            for parent in PurePosixPath(path).parents:
                if str(parent) in paths:
                    raise ValueError(f"{str(parent)!r} is a file, and the folder of {path!r}")
        if self.size > MAX_BYTES:
            raise ValueError(f"{self.size} bytes are more than {MAX_BYTES}")
        return self

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    def content(self) -> bytes:
        """The one form in which it is stored."""
        document = self.model_dump(mode="json")
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return text.encode()


def read_manifest(content: bytes) -> CodeManifest:
    """A manifest from its bytes. Raises ValueError for any other form of it."""
    manifest = CodeManifest.model_validate_json(content)
    if manifest.content() != content:
        raise ValueError("it is not written in the canonical form")
    return manifest


def code_id(manifest: bytes) -> str:
    """The id of the snapshot with this manifest."""
    return f"{PREFIX}{hashlib.sha256(manifest).hexdigest()[:_ID_DIGITS]}"


class Provenance(Answer):
    """Where the files of a snapshot came from, as git told it."""

    commit: str | None = Field(default=None, pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$")
    branch: str | None = Field(default=None, max_length=250)
    """None when no branch is checked out."""

    is_changed: bool = False
    """The files were not those of the commit."""

    diff: Digest | None = None
    """Blob with what was changed since the commit in files that git knows."""

    is_diff_cut: bool = False


class NewCode(Schema):
    """A snapshot to be: manifest, pack and diff are uploaded already."""

    manifest: Digest
    provenance: Provenance = Provenance()


class CodeSnapshot(Row):
    """A code snapshot of a project; `id` is a digest of its content. Primary key (project, id)."""

    manifest: str
    """SHA-256 of the manifest's blob; `code_digest` of the jobs that run it."""

    manifest_bytes: int
    pack: str
    """SHA-256 of the blob with the files' bytes."""

    pack_bytes: int
    files: int
    diff_digest: str | None = None
    """As in `provenance`."""

    provenance: Provenance = Provenance()
    """Of the time when this content was first uploaded."""

    created_by: str
    used_at: datetime
    """When somebody last asked for it."""
