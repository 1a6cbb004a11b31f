"""Writes the last stage as a complete version: packs and manifest, in a directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from pileus.core.schemas.transform import Split as SplitStep
from pileus.core.schemas.transform import Transform
from pileus.data.cells import row_bytes
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.images.stage import Stage as Images
from pileus.data.clean.images.stage import digest
from pileus.data.clean.tables.stage import Stage as Table
from pileus.data.errors import SplitRefused
from pileus.data.image_facts import check
from pileus.data.image_ingest import ingest_images
from pileus.data.labels import LabelReader
from pileus.data.manifest import FILE_NAME, SCHEMA, version_id, write_manifest
from pileus.data.packing import Packer
from pileus.data.profile.images import ImageProfiler
from pileus.data.progress import silent
from pileus.data.schema import Column, Manifest, Split, SplitRule
from pileus.data.sources.source import SourceImage
from pileus.data.table_parts import PartWriter


def write_table(
    table: Table, source: Manifest, rule: SplitRule, lineage: dict[str, Any], into: Path
) -> Manifest:
    """The version that a table is. Raises what keeps it from being one."""
    packer = Packer(into / "packs")
    try:
        return _written(_table_manifest(table, source, rule, lineage, packer), into)
    finally:
        packer.abandon()


def _table_manifest(
    table: Table, source: Manifest, rule: SplitRule, lineage: dict[str, Any], packer: Packer
) -> Manifest:
    parts = PartWriter(table.names, table.label, packer)
    labels = LabelReader(table.label, name_of(source), "row", source.task)
    index = table.index(table.label)
    for number, row in enumerate(table.rows(), start=1):
        labels.see(number, row.cells[index])
        parts.add(row.split, row_bytes(row.cells))
    _refuse_empty_side({"train": parts.rows.train, "untouched": parts.rows.untouched})
    task = labels.task()
    classes = labels.classes(task)
    columns = _columns(table)
    items = parts.close()
    return Manifest(
        schema=SCHEMA,
        kind="table",
        id=version_id("table", items),
        label=table.label,
        task=task,
        classes=classes,
        source=name_of(source),
        split=rule,
        rows=parts.rows,
        columns=columns,
        image=None,
        packs=packer.close(),
        items=tuple(items),
        transform=lineage,
    )


def write_images(
    images: Images, source: Manifest, rule: SplitRule, lineage: dict[str, Any], into: Path
) -> Manifest:
    """The version that images are. Raises what keeps it from being one."""
    counts: dict[Split, int] = {"train": 0, "untouched": 0}
    for picture in images.pictures():
        counts[picture.split] += 1
    _refuse_empty_side(counts)
    found = _StageImages(images, name_of(source), sum(counts.values()))
    packer = Packer(into / "packs")
    try:
        manifest, _ = ingest_images(
            found, packer, rule.seed, rule.untouched, silent, ImageProfiler()
        )
    finally:
        packer.abandon()
    return _written(msgspec.structs.replace(manifest, split=rule, transform=lineage), into)


def split_rule(transform: Transform, source: Manifest) -> SplitRule:
    """How the result is split: as its source was, unless a step divided it anew."""
    for step in transform.steps:
        if isinstance(step, SplitStep):
            how: Literal["stratified", "content", "grouped", "time"] = (
                "content" if step.how == "stratified" and source.task == "regression" else step.how
            )
            return SplitRule(transform.seed, step.untouched, how, step.by)
    return source.split


def name_of(source: Manifest) -> str:
    """The source as a manifest names it."""
    return f"dataset:{source.id}"


class _StageImages:
    """The last stage as an `ImageSource`, with every side given."""

    kind: Literal["images"] = "images"

    def __init__(self, images: Images, name: str, total: int) -> None:
        self.name = name
        self.total = total
        self.notices: list[str] = []
        self._images = images

    def images(self) -> Iterator[SourceImage]:
        for picture in self._images.pictures():
            facts = check(picture.data, picture.path)
            yield SourceImage(
                picture.path,
                picture.label,
                picture.data,
                digest(picture).hex(),
                facts,
                picture.split,
            )


def _written(manifest: Manifest, into: Path) -> Manifest:
    (into / FILE_NAME).write_bytes(write_manifest(manifest))
    return manifest


def _columns(table: Table) -> tuple[Column, ...]:
    """Features in the order of the parts."""
    columns = tuple(table.columns[name] for name in table.names if name != table.label)
    empty = [column.name for column in columns if column.name in table.empty]
    if empty:
        raise StepRefused(
            f"Columns {empty!r} have no value in any row", hint="Drop them with `drop_columns`."
        )
    return columns


def _refuse_empty_side(counts: dict[Split, int]) -> None:
    for side, count in counts.items():
        if not count:
            raise SplitRefused(
                f"No {side} row is left", hint="Drop fewer rows, or put a `split` step in."
            )
