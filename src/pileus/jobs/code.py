"""The code snapshot of a job, as one of its inputs."""

from __future__ import annotations

from pileus.core.schemas.code import MANIFEST, PACK, CodeSnapshot
from pileus.core.schemas.jobs import AttemptInput, InputFile


def code_input(code: CodeSnapshot) -> AttemptInput:
    """The two files that the worker makes the working directory of."""
    manifest = InputFile(path=MANIFEST, digest=code.manifest, size=code.manifest_bytes)
    pack = InputFile(path=PACK, digest=code.pack, size=code.pack_bytes)
    return AttemptInput(name="code", kind="code", files=(manifest, pack))
