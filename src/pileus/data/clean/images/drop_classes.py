"""Drops the images of some classes."""

from __future__ import annotations

from pileus.core.schemas.transform import DropClasses
from pileus.data.clean.classes import check_known
from pileus.data.clean.images.stage import Change, Stage, counted
from pileus.data.clean.tally import Tally


def drop_classes(step: DropClasses, stage: Stage, seed: int) -> Change:
    del seed
    tally = Tally()
    check_known(step.classes, (picture.label for picture in stage.pictures()))
    dropped = set(step.classes)
    return Change(
        (picture for picture in counted(stage, tally) if picture.label not in dropped), tally
    )
