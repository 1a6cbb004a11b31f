"""The profile of images, from what reading them told: no pixel is decoded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pileus.data.profile.columns import most_frequent
from pileus.data.profile.document import PROFILER, SCHEMA
from pileus.data.profile.numbers import NumberReader
from pileus.data.profile.sampling import Values, places
from pileus.data.profile.schema import Images, Numbers, Profile, Side, SideName
from pileus.data.schema import Item, Manifest

Facts = tuple[str, int, int]
"""Mode, width and height, as `image_facts.check` says."""

_SIZES = 20
_MODES = 20


class ImageProfiler:
    """Sees what each image is, and describes both sides."""

    def __init__(self) -> None:
        self._facts: dict[str, Facts] = {}
        self._known: dict[Facts, Facts] = {}

    def see(self, path: str, facts: Facts) -> None:
        """Take note of the image at a path; equal facts are kept once."""
        self._facts[path] = self._known.setdefault(facts, facts)

    def profile(self, manifest: Manifest) -> Profile:
        """What was seen, as the profile of this version."""
        items = manifest.items
        classes = manifest.classes or ()
        is_train = np.array([item.split == "train" for item in items])
        train = _tally([item for item in items if item.split == "train"], self._facts)
        untouched = _tally([item for item in items if item.split == "untouched"], self._facts)
        owners: dict[str, str] = {}
        disputed = {i.sha256 for i in items if owners.setdefault(i.sha256, i.label) != i.label}
        return Profile(
            schema=SCHEMA,
            profiler=PROFILER,
            version=manifest.id,
            kind="images",
            task=manifest.task,
            label=None,
            train=_side("train", train, classes),
            untouched=_side("untouched", untouched, classes),
            whole=_side("whole", _joined(train, untouched, is_train), classes),
            shared_rows=len(train.contents & untouched.contents),
            disputed_rows=len(disputed),
            is_estimated=False,
        )


@dataclass(frozen=True)
class _Tally:
    """What there is of each kind; the arrays are float64 of one number for each image."""

    labels: Counter[str]
    modes: Counter[str]
    endings: Counter[str]
    sizes: Counter[tuple[int, int]]
    contents: set[str]
    widths: Values
    heights: Values
    bytes: Values


def _tally(items: Sequence[Item], facts: Mapping[str, Facts]) -> _Tally:
    seen = [facts[item.path] for item in items]
    kinds = Counter(seen)
    modes: Counter[str] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    for (mode, width, height), count in kinds.items():
        modes[mode] += count
        sizes[width, height] += count
    return _Tally(
        Counter([item.label for item in items]),
        modes,
        Counter([_ending(item.path) for item in items]),
        sizes,
        {item.sha256 for item in items},
        np.array([one[1] for one in seen], dtype=np.float64),
        np.array([one[2] for one in seen], dtype=np.float64),
        np.array([item.size for item in items], dtype=np.float64),
    )


def _joined(train: _Tally, untouched: _Tally, is_train: NDArray[np.bool_]) -> _Tally:
    """Both sides, in the order of the manifest."""

    def merged(train: Values, untouched: Values) -> Values:
        values = np.empty(len(is_train))
        values[is_train], values[~is_train] = train, untouched
        return values

    return _Tally(
        train.labels + untouched.labels,
        train.modes + untouched.modes,
        train.endings + untouched.endings,
        train.sizes + untouched.sizes,
        train.contents | untouched.contents,
        merged(train.widths, untouched.widths),
        merged(train.heights, untouched.heights),
        merged(train.bytes, untouched.bytes),
    )


def _side(name: SideName, tally: _Tally, classes: Sequence[str]) -> Side:
    frequent = sorted(tally.sizes.items(), key=lambda entry: (-entry[1], entry[0]))[:_SIZES]
    return Side(
        rows=len(tally.bytes),
        distinct_rows=len(tally.contents),
        classes=tuple((label, tally.labels[label]) for label in classes),
        target=None,
        columns=None,
        images=Images(
            modes=most_frequent(tally.modes)[:_MODES],
            formats=most_frequent(tally.endings)[:_MODES],
            sizes=tuple((*size, count) for size, count in frequent),
            distinct_sizes=len(tally.sizes),
            width=_numbers(name, tally.widths),
            height=_numbers(name, tally.heights),
            aspect=_numbers(name, tally.widths / tally.heights),
            bytes=_numbers(name, tally.bytes),
        ),
    )


def _ending(path: str) -> str:
    """That of the file's name, as `os.path.splitext` finds it, but in less of its time."""
    name = path[path.rfind("/") + 1 :]
    dot = name.rfind(".")
    return name[dot + 1 :].lower() if dot > 0 else ""


def _numbers(name: SideName, values: Values) -> Numbers:
    reader = NumberReader()
    reader.see(places("train" if name == "whole" else name, 0, len(values)), values)
    numbers = reader.numbers()
    if numbers is None:
        raise ValueError(f"side {name!r} has no image")
    return numbers
