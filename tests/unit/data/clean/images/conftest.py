import pytest

from tests.unit.data.build import class_folder
from tests.unit.data.clean.building import Cleaned, folder


@pytest.fixture
def pets(tmp_path):
    """A folder of two classes."""
    return class_folder(tmp_path / "pets", {"cat": 12, "dog": 12})


@pytest.fixture
def cleaned(tmp_path, pets):
    """What steps make of the folder."""

    def make(*steps, seed=0):
        return Cleaned(tmp_path / "cleaned", folder(tmp_path, pets), steps, seed)

    return make


@pytest.fixture
def files():
    """Path → bytes of all images of a version."""

    def of(found):
        splits = ("train", "untouched")
        return {item.path: data for split in splits for item, data in found.version.contents(split)}

    return of
