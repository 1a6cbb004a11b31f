"""Drops images that equal an earlier one of their class byte for byte."""

from __future__ import annotations

from itertools import compress

from pileus.core.schemas.transform import DropDuplicates
from pileus.data.clean.errors import StepRefused
from pileus.data.clean.first import Contents
from pileus.data.clean.images.stage import Change, Stage, counted, digest
from pileus.data.clean.tally import Tally


def drop_duplicates(step: DropDuplicates, stage: Stage, seed: int) -> Change:
    del seed
    if step.columns is not None:
        raise StepRefused("Images have no columns", hint="Leave 'columns' out of this step.")
    tally = Tally()
    contents = Contents()
    for picture in stage.pictures():
        contents.add(digest(picture) + picture.label.encode())
    return Change(compress(counted(stage, tally), contents.first().tolist()), tally)
