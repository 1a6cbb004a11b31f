"""
What a transform job does to a dataset version: steps in order, then what must hold of the result.

Values only, checked as they are read; `data/clean/` carries them out.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from pileus.core.composing import composed
from pileus.core.schemas.base import Schema
from pileus.core.schemas.expectations import Expectations

IMAGES = frozenset({"images"})
TABLE = frozenset({"table"})

Columns = tuple[str, ...] | None
"""Feature columns by name; every one that the step suits when absent."""


def _label(text: str) -> str:
    label = text.strip()
    if not label or not label.isprintable() or set(label) & set("/\\"):
        raise ValueError(f"{text!r} cannot be the name of a class")
    return label


def _composed(value: Any) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, str):
        return composed(value)
    if isinstance(value, dict):
        found: dict[Any, Any] = {}
        for name, inner in value.items():
            if (one := _composed(name)) in found:
                raise ValueError(f"{one!r} is there in two spellings of Unicode: keep one of them")
            found[one] = _composed(inner)
        return found
    return [_composed(inner) for inner in value] if isinstance(value, list | tuple) else value


class Step(Schema):
    """One change to a dataset version."""

    kinds: ClassVar[frozenset[str]] = TABLE
    """Kinds of dataset that it is for."""

    fits: ClassVar[bool] = False
    """Whether it takes statistics, which come from the training part alone."""


class Split(Step):
    """Divide anew into the part to train on and the untouched one."""

    kinds = IMAGES | TABLE

    step: Literal["split"]
    how: Literal["stratified", "grouped", "time"] = "stratified"

    by: str | None = None
    """The column of groups or of times; for images, a regular expression on the path whose first
    group (or whole match) names the group."""

    untouched: float = Field(default=0.2, gt=0, lt=1)

    @model_validator(mode="after")
    def _check(self) -> Split:
        if (self.how == "stratified") != (self.by is None):
            raise ValueError(
                "a stratified split takes no 'by'"
                if self.by is not None
                else f"a split with how = '{self.how}' needs 'by'"
            )
        return self


class DropDuplicates(Step):
    """Keep the first of rows, or images, that are equal byte for byte."""

    kinds = IMAGES | TABLE

    step: Literal["drop_duplicates"]

    columns: Columns = None
    """Of a table: what has to be equal; the whole row when absent."""


class DropNearDuplicateImages(Step):
    """Keep the first of images of one class that look alike."""

    kinds = IMAGES

    step: Literal["drop_near_duplicate_images"]
    hash: Literal["dhash", "phash"] = "dhash"

    distance: int = Field(default=4, ge=0, le=32)
    """Images are alike when so many of the 64 bits of their hashes differ, or fewer."""

    across_classes: bool = False


class DropNearDuplicateRows(Step):
    """Keep the first of rows that differ in case, spaces, rounding or a little text only."""

    step: Literal["drop_near_duplicate_rows"]

    columns: Columns = None
    """Compared after normalising their cells; all but `texts`, the label too, when absent."""

    digits: int = Field(default=6, ge=1, le=15)
    """Numbers are equal when so many leading digits are."""

    texts: tuple[str, ...] = ()
    """Columns of free text, compared by the words' overlapping runs of letters."""

    similarity: float = Field(default=0.9, ge=0.5, le=1)
    """Jaccard similarity of the texts from which two rows are one; found to about 0.04."""


class DropMissing(Step):
    """Drop rows with missing cells."""

    step: Literal["drop_missing"]
    columns: Columns = None
    how: Literal["any", "all"] = "any"


class Impute(Step):
    """Fill missing cells."""

    fits = True

    step: Literal["impute"]
    columns: Columns = None
    using: Literal["mean", "median", "most_frequent", "constant"] = "median"

    value: float | str | None = None
    """With `using = "constant"`: what is filled in."""

    @model_validator(mode="after")
    def _check(self) -> Impute:
        if (self.using == "constant") != (self.value is not None):
            raise ValueError("'value' goes with using = 'constant', and only with it")
        return self


class Clip(Step):
    """Bring numbers that lie far out to a bound."""

    fits = True

    step: Literal["clip"]
    columns: Columns = None
    by: Literal["quantile", "iqr", "zscore"] = "quantile"
    lower: float = Field(default=0.01, ge=0, lt=1)
    upper: float = Field(default=0.99, gt=0, le=1)

    factor: float | None = Field(default=None, gt=0)
    """Interquartile ranges beyond the quartiles (1.5), or standard deviations (3)."""

    @model_validator(mode="after")
    def _check(self) -> Clip:
        if self.lower >= self.upper:
            raise ValueError("'lower' has to be below 'upper'")
        return self


class Normalise(Step):
    """Bring columns of numbers to one scale."""

    fits = True

    step: Literal["normalise"]
    columns: Columns = None
    by: Literal["standard", "minmax", "robust"] = "standard"


class DropColumns(Step):
    """Drop feature columns by name, or all of free text."""

    step: Literal["drop_columns"]
    columns: tuple[str, ...] = ()
    texts: bool = False

    @model_validator(mode="after")
    def _check(self) -> DropColumns:
        if not self.columns and not self.texts:
            raise ValueError("name 'columns', or set 'texts' to true")
        return self


class RenameColumns(Step):
    """Give columns other names."""

    step: Literal["rename_columns"]
    names: dict[str, str] = Field(min_length=1)


class MapValues(Step):
    """Replace cells of one column; cells without an entry stay, or become `otherwise`."""

    step: Literal["map_values"]
    column: str
    values: dict[str, str] = Field(min_length=1)

    otherwise: str | None = None
    """An empty text makes them missing."""


class Cast(Step):
    """Make a column numbers, whole numbers or categories."""

    step: Literal["cast"]
    columns: tuple[str, ...] = Field(min_length=1)
    to: Literal["number", "integer", "category"]

    failing: Literal["refuse", "missing"] = "refuse"
    """What becomes of a cell that is no number."""


class MapLabels(Step):
    """Rename classes; two that get one name become one."""

    kinds = IMAGES | TABLE

    step: Literal["map_labels"]
    labels: dict[str, Annotated[str, AfterValidator(_label)]] = Field(min_length=1)


class DropClasses(Step):
    """Drop the rows of classes."""

    kinds = IMAGES | TABLE

    step: Literal["drop_classes"]
    classes: tuple[str, ...] = Field(min_length=1)


class Resize(Step):
    """Give images one size: whole inside it (fit), filling it (crop), or distorted (stretch)."""

    kinds = IMAGES

    step: Literal["resize"]
    width: int = Field(ge=1, le=8192)
    height: int = Field(ge=1, le=8192)
    how: Literal["fit", "crop", "stretch"] = "fit"


class Encode(Step):
    """Store images in one format."""

    kinds = IMAGES

    step: Literal["encode"]
    format: Literal["png", "jpeg", "webp", "pgm"]

    quality: int = Field(default=90, ge=1, le=100)
    """Of JPEG and WEBP."""


class Grey(Step):
    """Make images grey."""

    kinds = IMAGES

    step: Literal["grey"]


AnyStep = Annotated[
    Split
    | DropDuplicates
    | DropNearDuplicateImages
    | DropNearDuplicateRows
    | DropMissing
    | Impute
    | Clip
    | Normalise
    | DropColumns
    | RenameColumns
    | MapValues
    | Cast
    | MapLabels
    | DropClasses
    | Resize
    | Encode
    | Grey,
    Field(discriminator="step"),
]


class Transform(Schema):
    """Steps in order, and what has to hold of their result."""

    seed: int = 0
    """Of every choice at random: the same transform of the same version is the same version."""

    steps: tuple[AnyStep, ...] = Field(default=(), max_length=100)
    expect: Expectations | None = None

    @model_validator(mode="before")
    @classmethod
    def _compose(cls, document: Any) -> Any:  # noqa: ANN401  not checked yet
        """Names and values of a version are in NFC, so what is said of them is as well."""
        return _composed(document)

    @property
    def kinds(self) -> frozenset[str]:
        """Kinds of dataset that every part of it suits."""
        found = IMAGES | TABLE
        for step in self.steps:
            found &= step.kinds
        return found & self.expect.kinds if self.expect else found

    @model_validator(mode="after")
    def _check(self) -> Transform:
        splits = [at for at, step in enumerate(self.steps) if isinstance(step, Split)]
        if len(splits) > 1:
            raise ValueError("there is more than one 'split'")
        for step in self.steps[: splits[0] if splits else 0]:
            # What was fitted on rows that become untouched would have read them.
            if step.fits:
                raise ValueError(f"put 'split' before '{step.step}', which takes statistics")
        if not self.kinds:
            raise ValueError("some steps are for tables only and some for images only")
        return self
