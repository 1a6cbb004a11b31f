"""
Divides images anew: by content, or by groups that a regular expression finds in their paths.

Images of one group, and equal ones, are never on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from pileus.core.schemas.transform import Split as SplitStep
from pileus.data.clean.dividing import grouped_mask
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.images.stage import Change, Picture, Stage, counted, digest
from pileus.data.clean.tally import Tally
from pileus.data.errors import SplitRefused
from pileus.data.split import Mask, key, untouched_mask


def split(step: SplitStep, stage: Stage, seed: int) -> Change:
    tally = Tally()
    mask = _mask(step, stage, seed)
    if not mask.any() or mask.all():
        raise SplitRefused(
            f"A {step.how} split of these images leaves one side empty",
            hint="Choose another 'by', another share of 'untouched', or more images.",
        )

    def pictures() -> Iterator[Picture]:
        for picture, chosen in zip(counted(stage, tally), mask.tolist(), strict=True):
            side = picture._replace(split="untouched" if chosen else "train")
            tally.changed += side.split != picture.split
            yield side

    return Change(pictures(), tally)


def _mask(step: SplitStep, stage: Stage, seed: int) -> Mask:
    if step.how == "time":
        raise StepRefused(
            "Images have no column of times", hint='Use how = "grouped" with a pattern on paths.'
        )
    if step.how == "grouped":
        names = _groups(re.compile(str(step.by)), stage)
        keys = np.array([key(seed, name.encode()) for name in names], dtype=np.uint64)
        return grouped_mask(keys, step.untouched)
    classes: dict[str, int] = {}
    contents, labels = [], []
    for picture in stage.pictures():
        contents.append(key(seed, digest(picture)))
        labels.append(classes.setdefault(picture.label, len(classes)))
    return untouched_mask(
        np.array(contents, dtype=np.uint64), np.array(labels, dtype=np.int64), step.untouched
    )


def _groups(pattern: re.Pattern[str], stage: Stage) -> list[str]:
    """The group of each image; groups that share a content are one."""
    merged = _Merged()
    first: dict[bytes, str] = {}
    names = []
    for picture in stage.pictures():
        match = pattern.search(picture.path)
        group = None if match is None else match.group(1 if pattern.groups else 0)
        if not group:
            raise StepRefused(
                f"The pattern {pattern.pattern!r} finds no group in {picture.path!r}",
                hint="Write one that matches every path; its first group names the group.",
            )
        names.append(group)
        merged.join(group, first.setdefault(digest(picture), group))
    return [merged.root(name) for name in names]


class _Merged:
    """Names that stand for one, each time the same."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def root(self, name: str) -> str:
        while (above := self._above.get(name, name)) != name:
            name = above
        return name

    def join(self, one: str, other: str) -> None:
        low, high = sorted((self.root(one), self.root(other)))
        if low != high:
            self._above[high] = low
