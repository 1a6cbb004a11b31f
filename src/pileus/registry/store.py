"""What the registry needs from persistence."""

from __future__ import annotations

from pileus.core.names import InvalidName, check_name
from pileus.core.schemas.registry import (
    Dataset,
    DatasetProfile,
    DatasetVersion,
    Model,
    ModelVersion,
)
from pileus.registry.errors import DatasetNotFound, ModelNotFound
from pileus.registry.tables import (
    DATASET_PROFILES,
    DATASET_VERSIONS,
    DATASETS,
    MODEL_VERSIONS,
    MODELS,
)
from pileus.storage.rows import Rows
from pileus.storage.transaction import Condition, Snapshot, Transaction

datasets = Rows(DATASETS, Dataset)
dataset_versions = Rows(DATASET_VERSIONS, DatasetVersion)
dataset_profiles = Rows(DATASET_PROFILES, DatasetProfile)
models = Rows(MODELS, Model)
model_versions = Rows(MODEL_VERSIONS, ModelVersion)

VERSION_PREFIX = "dsv_"


def check_dataset_name(name: str) -> str:
    """A name that no reference to a version can be taken for. Raises InvalidName."""
    name = check_name(name, "dataset")
    if name.startswith(VERSION_PREFIX):
        raise InvalidName(
            f"Dataset {name!r} would be taken for a version",
            hint=f"Choose a name that does not begin with {VERSION_PREFIX!r}.",
        )
    return name


def resolve_dataset(snapshot: Snapshot, project: str, reference: str) -> DatasetVersion:
    """`digits` is its newest version; `digits@dsv_…`, `digits@2` or `dsv_…` that one.

    Raises DatasetNotFound.
    """
    name, _, version = reference.partition("@")
    if not version and name.startswith(VERSION_PREFIX):
        found = dataset_versions.find(
            snapshot, [("project", "=", project), ("id", "=", name)], order=["dataset"], limit=1
        )
        if not found:
            raise DatasetNotFound(reference)
        return found[0]
    dataset = datasets.get(snapshot, project=project, name=name)
    if dataset is None:
        raise DatasetNotFound(reference)
    if version.isdecimal():
        found = dataset_versions.find(
            snapshot,
            [("project", "=", project), ("dataset", "=", name), ("number", "=", int(version))],
        )
        resolved = found[0] if found else None
    else:
        wanted = version or dataset.newest
        resolved = dataset_versions.get(snapshot, project=project, dataset=name, id=wanted)
    if resolved is None:
        raise DatasetNotFound(reference)
    return resolved


def resolve_model(snapshot: Snapshot, project: str, reference: str) -> ModelVersion:
    """`digits` is its newest version, `digits:1` that number. Raises ModelNotFound."""
    name, _, number = reference.partition(":")
    if number and not number.isdecimal():
        raise ModelNotFound(reference)
    where: list[Condition] = [("project", "=", project), ("model", "=", name)]
    if number:
        where.append(("number", "=", int(number)))
    found = model_versions.find(
        snapshot,
        where,
        order=["-number"],
        limit=1,
    )
    if not found:
        raise ModelNotFound(reference)
    return found[0]


def settle_newest(transaction: Transaction, project: str, name: str) -> None:
    """Let a dataset say which of its versions is the newest, after one went or came back."""
    dataset = datasets.get(transaction, project=project, name=name)
    if dataset is None:
        return
    found = dataset_versions.find(
        transaction,
        [("project", "=", project), ("dataset", "=", name)],
        order=["-number"],
        limit=1,
    )
    newest = found[0].id if found else None
    if dataset.newest != newest:
        datasets.swap(transaction, dataset.model_copy(update={"newest": newest}))
