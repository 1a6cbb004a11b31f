"""Images to items: one pass, each image packed as soon as it is read; then the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pileus.data.errors import SplitRefused
from pileus.data.labels import check_classes, class_order
from pileus.data.manifest import SCHEMA, version_id
from pileus.data.packing import Packer, Place
from pileus.data.profile.images import ImageProfiler
from pileus.data.progress import Progress, Report
from pileus.data.schema import ImageProfile, Item, Manifest, Rows, Split, SplitRule
from pileus.data.sources.source import ImageSource
from pileus.data.split import key, untouched_mask

_REPORT_EVERY = 50
_SIZES = 5


def ingest_images(
    source: ImageSource,
    packer: Packer,
    seed: int,
    share: float,
    report: Report,
    profiler: ImageProfiler,
) -> tuple[Manifest, list[str]]:
    """The manifest of what `source` gives, and notices. Raises what reading raises."""
    paths: list[str] = []
    labels: list[str] = []
    places: list[Place] = []
    sides: list[Split | None] = []
    modes: set[str] = set()
    sizes: Counter[tuple[int, int]] = Counter()
    for image in source.images():
        paths.append(image.path)
        labels.append(image.label)
        places.append(packer.add(image.data, image.sha256))
        sides.append(image.given)
        profiler.see(image.path, image.facts)
        modes.add(image.facts.mode)
        sizes[image.facts.width, image.facts.height] += 1
        if len(paths) % _REPORT_EVERY == 0:
            report(Progress("read", len(paths), source.total, "images"))
    report(Progress("read", len(paths), source.total, "images"))
    packs = packer.close()  # now: the last one travels while the rest is done

    classes = class_order(labels)
    what, advice = f"The source {source.name!r}", "Merge classes, or leave some of them out."
    check_classes(classes, what, if_many=advice)
    given = None not in sides
    if not given:
        sides = list(_stratified(places, labels, classes, seed, share))
    items = sorted(
        (
            Item(path, label, place.sha256, place.size, side or "train", place.pack, place.offset)
            for path, label, place, side in zip(paths, labels, places, sides, strict=True)
        ),
        key=lambda item: item.path,
    )
    counts = Counter(item.split for item in items)
    if not counts["untouched"]:
        raise SplitRefused(
            "No class has two different images, so none can stay untouched",
            hint="Add images.",
        )
    frequent = sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0]))[:_SIZES]
    manifest = Manifest(
        schema=SCHEMA,
        kind="images",
        id=version_id("images", items),
        label=None,
        task="classification",
        classes=classes,
        source=source.name,
        split=SplitRule(seed, share, "given" if given else "stratified"),
        rows=Rows(counts["train"], counts["untouched"]),
        columns=None,
        image=ImageProfile(tuple(sorted(modes)), tuple((*size, count) for size, count in frequent)),
        packs=packs,
        items=tuple(items),
    )
    return manifest, [*source.notices, *_notices(items, classes)]


def _stratified(
    places: Sequence[Place], labels: Sequence[str], classes: Sequence[str], seed: int, share: float
) -> list[Split]:
    numbers = {name: code for code, name in enumerate(classes)}
    keys = np.array([key(seed, bytes.fromhex(place.sha256)) for place in places], dtype=np.uint64)
    codes = np.array([numbers[label] for label in labels], dtype=np.int64)
    mask = untouched_mask(keys, codes, share)
    return ["untouched" if chosen else "train" for chosen in mask.tolist()]


def _notices(items: Sequence[Item], classes: Sequence[str]) -> list[str]:
    notices: list[str] = []
    counts = Counter([item.sha256 for item in items])
    contents: dict[str, set[Split]] = {}
    owners: dict[str, set[str]] = {}
    for item in items:
        if counts[item.sha256] > 1:
            contents.setdefault(item.sha256, set()).add(item.split)
            owners.setdefault(item.sha256, set()).add(item.label)
    repeated = len(items) - len(counts)
    if repeated:
        notices.append(f"{repeated} images repeat others byte for byte")
    leaked = sum(len(sides) > 1 for sides in contents.values())
    if leaked:
        notices.append(
            f"{leaked} images are both in the training and in the test part of the source,"
            " so its evaluation will look better than it is"
        )
    disputed = sum(len(names) > 1 for names in owners.values())
    if disputed:
        notices.append(f"{disputed} images are in more than one class")
    sizes = Counter(item.label for item in items)
    single = [name for name in classes if sizes[name] == 1]
    if single:
        more = f" and {len(single) - 10:,} more" if len(single) > 10 else ""
        notices.append(
            f"Classes with one image, which cannot be both learnt and judged: {single[:10]!r}{more}"
        )
    judged = {item.label for item in items if item.split == "untouched"}
    lone = [name for name in classes if name not in judged and sizes[name] > 1]
    if lone:
        notices.append(
            f"Classes without an untouched image, which evaluation cannot judge: {lone[:10]!r}"
        )
    return notices
