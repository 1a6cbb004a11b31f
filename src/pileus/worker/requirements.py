"""What an environment is made of: the texts that decide what is installed, and a digest of them."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pileus.worker.errors import EnvironmentNotBuilt

_SCHEMA = 1
"""Counts up when the same texts are to be built in another way."""

_INCLUDED = re.compile(r"^\s*(?:-r|-c|--requirement|--constraint)[\s=]+(\S+)")
_EDITABLE = re.compile(r"^\s*(?:-e|--editable)\b")
_LOCAL = re.compile(
    r"^\s*(?:\.|/|file:|-f\b|--find-links)|@\s*file:|^\s*[^#\s]+\.(?:whl|tar\.gz|zip)\b"
)
_LOCKED_LOCAL = re.compile(r'\b(?:directory|editable|path|virtual) = "(?!\.")')


class Kind(StrEnum):
    """How uv is told what to install."""

    LOCK = "lock"
    PROJECT = "project"
    REQUIREMENTS = "requirements"


@dataclass(frozen=True)
class Wanted:
    """An environment that code asks for."""

    kind: Kind
    file: Path
    texts: tuple[str, ...]
    is_local: bool
    """It installs files of the code itself, so other code is another environment."""

    def digest(self, code: str) -> str:
        """Names the environment on this node; `code` is the digest of the snapshot."""
        python = [platform.python_version(), sys.implementation.cache_tag, sysconfig.get_platform()]
        parts = [_SCHEMA, self.kind, self.texts, python, code if self.is_local else None]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def wanted(code: Path, name: str) -> Wanted:
    """What the file `name` of the unpacked code asks for. Raises EnvironmentNotBuilt."""
    file = code / name
    beside = file.parent
    settings = [_text(beside / "uv.toml")] if (beside / "uv.toml").is_file() else []
    is_project = file.name in {"pyproject.toml", "uv.lock"}
    if is_project and (beside / "uv.lock").is_file():
        lock = _text(beside / "uv.lock")
        texts = (_text(beside / "pyproject.toml"), lock, *settings)
        return Wanted(Kind.LOCK, file, texts, bool(_LOCKED_LOCAL.search(lock)))
    if is_project:
        project = _text(beside / "pyproject.toml")
        return Wanted(Kind.PROJECT, file, (project, *settings), _is_project_local(project))
    texts = tuple(_with_included(code.resolve(), file.resolve()).values())
    lines = [line for text in texts for line in text.splitlines()]
    if any(_EDITABLE.search(line) for line in lines):
        raise EnvironmentNotBuilt(
            f"{name!r} asks for an editable install, which would be of one attempt's own files",
            hint="Write the path without -e; the code itself is in the working directory anyway.",
        )
    is_local = any(_LOCAL.search(line) for line in lines)
    return Wanted(Kind.REQUIREMENTS, file, (*texts, *settings), is_local)


def _with_included(code: Path, file: Path) -> dict[Path, str]:
    found: dict[Path, str] = {}
    queue = [file]
    while queue:
        path = queue.pop(0)
        if path in found:
            continue
        if not path.is_relative_to(code):
            raise EnvironmentNotBuilt(
                f"{path.name!r} is not part of the code", hint="Copy it into the code's folder."
            )
        found[path] = text = _text(path)
        names = (match.group(1) for match in map(_INCLUDED.match, text.splitlines()) if match)
        queue += [(path.parent / name).resolve() for name in names]
    return found


def _is_project_local(text: str) -> bool:
    try:
        project = tomllib.loads(text)
    except ValueError as error:
        raise EnvironmentNotBuilt(
            f"pyproject.toml is not TOML: {error}", hint="Correct it, and submit again."
        ) from error
    is_dynamic = "dependencies" in project.get("project", {}).get("dynamic", ())
    return is_dynamic or "file:" in text or "path =" in text or "workspace =" in text


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise EnvironmentNotBuilt(
            f"{path.name!r} cannot be read: {error}",
            hint="It must be a text file of the code snapshot; .gitignore may have left it out.",
        ) from error
