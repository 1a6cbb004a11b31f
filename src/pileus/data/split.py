"""
Which contents stay untouched: decided by content and seed alone.

Neither order nor name nor machine matters, and equal bytes are never on both sides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from pileus.data.errors import SplitRefused

Keys = NDArray[np.uint64]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]


def check_share(untouched: float) -> float:
    """`untouched`, a share between 0 and 1. Raises SplitRefused."""
    if not 0 < untouched < 1:
        raise SplitRefused(
            f"An untouched share of {untouched!r} leaves one side of the split empty",
            hint="Give a number between 0 and 1, such as 0.2.",
        )
    return untouched


def key(seed: int, content: bytes) -> int:
    """
    Place of a content in the order from which the untouched ones are taken.

    The first 64 bits of a SHA-256; two contents that share them only land on the same side.
    """
    return int.from_bytes(hashlib.sha256(b"%d:" % seed + content).digest()[:8], "big")


def keys_of(seed: int, contents: Iterable[bytes]) -> Keys:
    """`key` of the SHA-256 of each content, for many at once."""
    prefix, sha256 = b"%d:" % seed, hashlib.sha256
    firsts = [sha256(prefix + sha256(content).digest()).digest()[:8] for content in contents]
    return np.frombuffer(b"".join(firsts), dtype=">u8").astype(np.uint64)


def untouched_mask(keys: Keys, labels: Codes | None, share: float) -> Mask:
    """
    True for each row that stays untouched.

    With `labels` (codes from 0): `share` of each class's distinct contents, and at least one on
    each side of a class that has two; without: of all contents. A content that several classes
    share stays untouched only if each of them keeps another one to train on.
    """
    contents, places = np.unique(keys, return_inverse=True)
    if labels is None:
        labels = np.zeros(len(keys), dtype=np.int64)
    # One number for a pair (label, content), because sorting numbers is faster than sorting pairs.
    pairs = np.unique(labels.astype(np.int64) * len(contents) + places)
    owners, members = np.divmod(pairs, len(contents))
    shared = np.bincount(members, minlength=len(contents)) > 1
    classes = np.split(members, np.flatnonzero(np.diff(owners)) + 1)

    chosen = np.zeros(len(contents), dtype=np.bool_)
    for group in classes:
        own = group[~shared[group]]
        chosen[own[: untouched_count(len(own), share)]] = True
    if shared.any():
        _choose_shared(chosen, classes, np.flatnonzero(shared), share)
    return np.asarray(chosen[places], dtype=np.bool_)


def untouched_count(contents: int, share: float) -> int:
    """How many of a class's contents stay untouched: a lone one is trained on."""
    if contents < 2:
        return 0
    return min(max(int(contents * share + 0.5), 1), contents - 1)


def _choose_shared(chosen: Mask, classes: list[Codes], shared: Codes, share: float) -> None:
    """Decide the contents of several classes; then give each class that lacks one an untouched."""
    owners: dict[int, list[int]] = {}
    for number, group in enumerate(classes):
        for content in group.tolist():
            owners.setdefault(content, []).append(number)
    to_train = [len(group) - int(chosen[group].sum()) for group in classes]

    def choose(content: int) -> bool:
        if chosen[content] or any(to_train[number] < 2 for number in owners[content]):
            return False
        chosen[content] = True
        for number in owners[content]:
            to_train[number] -= 1
        return True

    for content in shared[: int(len(shared) * share + 0.5)].tolist():
        choose(content)
    for group in classes:
        if not chosen[group].any():
            any(choose(content) for content in group.tolist())
