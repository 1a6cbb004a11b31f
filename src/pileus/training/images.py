"""Images as examples: decoded once, resized for fitting, kept as they are for the evaluation."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from pileus.data.images import Mode, Pixels, decode
from pileus.data.load import LocalVersion
from pileus.data.schema import ImageProfile, Split, Task
from pileus.training.examples import Batch, Entrance, Targets
from pileus.training.plan import Size
from pileus.training.preparation import ImageInput, ImageScaling

_BATCH_BYTES = 16 * 2**20
"""Pixels that are resized or evaluated at once; photos come one by one."""

_BATCH_ROWS = 512
_GREY = frozenset({"L", "1", "I", "I;16", "I;16B", "I;16L"})


class ImageExamples:
    """Images of one channel if all are grey, else of three, at `size` for fitting."""

    def __init__(self, version: LocalVersion, profile: ImageProfile, size: Size) -> None:
        self._version = version
        self._size = size
        self._mode: Mode = "L" if set(profile.modes) <= _GREY else "RGB"
        self._channels = 1 if self._mode == "L" else 3

    @property
    def version_id(self) -> str:
        return self._version.manifest.id

    @property
    def task(self) -> Task:
        return "classification"

    @property
    def label(self) -> None:
        return None

    @property
    def classes(self) -> tuple[str, ...]:
        return self._version.manifest.classes or ()

    def train(self) -> tuple[Tensor, Targets]:
        height, width = self._size
        count = self._version.manifest.rows.train
        pixels = torch.empty((count, self._channels, height, width), dtype=torch.uint8)
        targets: list[NDArray[np.int64]] = []
        start = 0
        for batch in self._batches("train"):
            stop = start + len(batch.rows)
            images = torch.from_numpy(batch.rows).permute(0, 3, 1, 2)
            if images.shape[2:] != (height, width):
                images = functional.interpolate(
                    images, size=self._size, mode="bilinear", align_corners=False, antialias=True
                )
            pixels[start:stop] = images
            targets.append(np.asarray(batch.targets, dtype=np.int64))
            start = stop
        return pixels, np.concatenate(targets)

    def untouched(self) -> Iterator[Batch]:
        return self._batches("untouched")

    def scaling(self, fitted: Tensor) -> tuple[nn.Module, tuple[int, ...]]:
        return ImageScaling.of(fitted), tuple(fitted.shape[1:])

    def reception(self) -> nn.Module:
        return ImageInput(self._size)

    def entrance(self) -> Entrance:
        spec = {
            "name": "image",
            "datatype": "UINT8",
            "shape": [-1, -1, -1, self._channels],
            "content": "image",
            "mode": self._mode,
        }
        # The sizes differ from each other and from the target, so that the exporter
        # takes none of them for a constant.
        height, width = self._size
        example = torch.zeros((2, height + 3, width + 5, self._channels), dtype=torch.uint8)
        return Entrance(spec, example, (0, 1, 2))

    def _batches(self, split: Split) -> Iterator[Batch]:
        """Runs of images of equal size, stacked."""
        codes = {name: code for code, name in enumerate(self.classes)}
        images: list[Pixels] = []
        targets: list[int] = []
        held = 0
        for item, data in self._version.contents(split):
            pixels = decode(data, self._mode, item.path)
            if images and (
                pixels.shape != images[0].shape
                or held + pixels.nbytes > _BATCH_BYTES
                or len(images) == _BATCH_ROWS
            ):
                yield Batch(np.stack(images), np.asarray(targets, dtype=np.int64))
                images, targets, held = [], [], 0
            images.append(pixels)
            targets.append(codes[item.label])
            held += pixels.nbytes
        if images:
            yield Batch(np.stack(images), np.asarray(targets, dtype=np.int64))
