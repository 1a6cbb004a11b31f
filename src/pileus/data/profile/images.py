"""The profile of images, from what reading them told: no pixel is decoded again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

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
        train = [item for item in items if item.split == "train"]
        untouched = [item for item in items if item.split == "untouched"]
        owners: dict[str, str] = {}
        disputed = {i.sha256 for i in items if owners.setdefault(i.sha256, i.label) != i.label}
        return Profile(
            schema=SCHEMA,
            profiler=PROFILER,
            version=manifest.id,
            kind="images",
            task=manifest.task,
            label=None,
            train=_side("train", train, self._facts, classes),
            untouched=_side("untouched", untouched, self._facts, classes),
            whole=_side("whole", items, self._facts, classes),
            shared_rows=len({i.sha256 for i in train} & {i.sha256 for i in untouched}),
            disputed_rows=len(disputed),
            is_estimated=False,
        )


def _side(
    name: SideName, items: Sequence[Item], facts: Mapping[str, Facts], classes: Sequence[str]
) -> Side:
    labels = Counter([item.label for item in items])
    seen = [facts[item.path] for item in items]
    sizes = Counter([(width, height) for _, width, height in seen])
    modes = Counter([mode for mode, _, _ in seen])
    endings = Counter([_ending(item.path) for item in items])
    frequent = sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))[:_SIZES]
    widths, heights = np.array([one[1:] for one in seen], dtype=np.float64).T
    return Side(
        rows=len(items),
        distinct_rows=len({item.sha256 for item in items}),
        classes=tuple((label, labels[label]) for label in classes),
        target=None,
        columns=None,
        images=Images(
            modes=most_frequent(modes)[:_MODES],
            formats=most_frequent(endings)[:_MODES],
            sizes=tuple((*size, count) for size, count in frequent),
            distinct_sizes=len(sizes),
            width=_numbers(name, widths),
            height=_numbers(name, heights),
            aspect=_numbers(name, widths / heights),
            bytes=_numbers(name, np.array([item.size for item in items], dtype=np.float64)),
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
