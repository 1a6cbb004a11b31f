"""
Makes a dataset version of a source, on the client: checks, splits, packs, describes.

Talks to no server; `publish.py` does. The same source gives the same id on any machine.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from pileus.data.errors import LabelRefused, ScratchUnusable
from pileus.data.faults import Faults, Skipped, kept
from pileus.data.image_ingest import ingest_images
from pileus.data.manifest import FILE_NAME, write_manifest
from pileus.data.packing import LocalBlob, Packer, Sealed
from pileus.data.profile import document
from pileus.data.profile.build import Profiler
from pileus.data.profile.images import ImageProfiler
from pileus.data.progress import Report, silent
from pileus.data.schema import Manifest, Task
from pileus.data.sources.detect import open_source
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.source import Source
from pileus.data.split import check_share
from pileus.data.table_ingest import ingest_table


@dataclass(frozen=True)
class Prepared:
    """A version that is ready to be published. `blobs` end with the manifest itself."""

    manifest: Manifest
    manifest_digest: str
    blobs: tuple[LocalBlob, ...]
    notices: tuple[str, ...]
    """What a person should know and may want to change, one sentence each."""

    profile: LocalBlob | None
    """The profile document of the version; None if it would be too large."""

    skipped: tuple[Skipped, ...] = ()
    """What was left out, because the person asked to go on without it."""


def prepare(
    source: str,
    *,
    into: Path,
    packs: Path | None = None,
    label: str | None = None,
    task: Task | None = None,
    split_seed: int = 0,
    untouched: float = 0.2,
    encoding: str | None = None,
    query: str | None = None,
    checksum: str | None = None,
    columns: tuple[str, ...] | None = None,
    no_header: bool = False,
    skip_bad: bool = False,
    progress: Report | None = None,
    sealed: Sealed | None = None,
) -> Prepared:
    """
    Read all of `source` and write packs and manifest to the directory `into`, or packs to `packs`.

    `source` is a path, an address, the URL of a database or `sample:NAME`; `label` and `task` are
    for tables, the options after `untouched` are those of `SourceOptions`. `sealed` is told each
    pack when it is finished, and may take its file away. Raises errors of
    `errors.py` that name file and line; what is in `into` is then of no use.
    """
    share = check_share(untouched)
    packs = packs or into / "packs"
    report = progress or silent
    scratch = into / "source"
    options = SourceOptions(
        scratch,
        encoding,
        query,
        checksum,
        columns,
        no_header,
        Faults(skip=skip_bad),
        report=report,
    )
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        opened = open_source(source, options)
        packer = Packer(packs, sealed)
        return _prepared(opened, options, into, packer, label, task, split_seed, share, report)
    except OSError as error:
        # Reading turns its own into errors that name the file, so this one comes from writing.
        raise ScratchUnusable(
            f"{str(error.filename or packs)!r} cannot be written: {error.strerror or error}",
            hint="Make room on the disks of TMPDIR and of the home; what is fetched, unpacked or"
            " on its way to the server has to fit there for a while.",
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _prepared(
    opened: Source,
    options: SourceOptions,
    into: Path,
    packer: Packer,
    label: str | None,
    task: Task | None,
    split_seed: int,
    share: float,
    report: Report,
) -> Prepared:
    profiler: Profiler
    try:
        if opened.kind == "table":
            manifest, notices, profiler = ingest_table(
                opened, packer, into, label, task, split_seed, share, report, options.faults
            )
        else:
            _refuse_table_options(label, task)
            profiler = ImageProfiler()
            manifest, notices = ingest_images(opened, packer, split_seed, share, report, profiler)
    finally:
        packer.abandon()
    blobs = packer.blobs()
    profile = None
    content = document.write_profile(profiler.profile(manifest))
    if len(content) > document.MAX_BYTES:
        notices.append("The version gets no profile: it has too many columns for one")
    else:
        profile = _written(into / document.FILE_NAME, content)
        blobs.append(profile)
    # Lines are looked at in batches, by the source and then as rows.
    skipped = sorted(options.faults.skipped, key=lambda one: (one.name, one.line or 0))
    manifest = msgspec.structs.replace(manifest, skipped=kept(skipped))
    blobs.append(_written(into / FILE_NAME, write_manifest(manifest)))
    return Prepared(
        manifest,
        blobs[-1].digest,
        tuple(blobs),
        (*options.notices, *notices),
        profile,
        tuple(skipped),
    )


def _written(path: Path, data: bytes) -> LocalBlob:
    path.write_bytes(data)
    return LocalBlob(hashlib.sha256(data).hexdigest(), path, len(data))


def _refuse_table_options(label: str | None, task: Task | None) -> None:
    if label is not None:
        raise LabelRefused(
            f"Images have no label column {label!r}",
            hint="Leave --label out: the class of an image is its folder.",
        )
    if task == "regression":
        raise LabelRefused(
            "Images in class folders are for classification, not for 'regression'",
            hint="Leave --task out.",
        )
