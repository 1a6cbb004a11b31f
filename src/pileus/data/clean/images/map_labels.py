"""Renames classes."""

from __future__ import annotations

from collections.abc import Iterator

from pileus.core.schemas.transform import MapLabels
from pileus.data.clean.classes import check_known
from pileus.data.clean.images.stage import Change, Picture, Stage, counted
from pileus.data.clean.tally import Tally


def map_labels(step: MapLabels, stage: Stage, seed: int) -> Change:
    del seed
    tally = Tally()
    check_known(step.labels, (picture.label for picture in stage.pictures()))

    def pictures() -> Iterator[Picture]:
        for picture in counted(stage, tally):
            label = step.labels.get(picture.label, picture.label)
            tally.changed += label != picture.label
            yield picture._replace(label=label)

    return Change(pictures(), tally)
