import pytest

from pileus.data.clean.errors import StepRefused
from tests.unit.data.build import png


@pytest.fixture
def patients(pets):
    """Images whose names begin with one of eight people."""
    for name in ("cat", "dog"):
        for old in (pets / name).iterdir():
            old.unlink()
        for number in range(40):
            path = pets / name / f"p{number % 8}-{number}.png"
            path.write_bytes(png(number + (1000 if name == "dog" else 0)))


def groups(files, found, split):
    return {item.path.split("/")[1].split("-")[0] for item in found.version.items(split)}


@pytest.mark.usefixtures("patients")
class TestSplit:
    def test_images_of_one_group_are_on_one_side(self, cleaned, files):
        found = cleaned({"step": "split", "how": "grouped", "by": r"/(p\d)-"})

        train, untouched = (groups(files, found, split) for split in ("train", "untouched"))
        assert train
        assert untouched
        assert not train & untouched

    def test_groups_that_share_an_image_are_one(self, cleaned, files, pets):
        shared = (pets / "cat" / "p1-1.png").read_bytes()
        for number in range(2, 8):
            (pets / "cat" / f"p{number}-shared.png").write_bytes(shared)

        found = cleaned({"step": "split", "how": "grouped", "by": r"/(p\d)-"})

        sides = {frozenset(groups(files, found, split)) for split in ("train", "untouched")}
        assert sides == {frozenset({"p0"}), frozenset(f"p{number}" for number in range(1, 8))}

    def test_a_path_without_a_group_is_named(self, cleaned):
        with pytest.raises(StepRefused, match="finds no group in"):
            cleaned({"step": "split", "how": "grouped", "by": r"/(q\d)-"})

    def test_there_are_no_times(self, cleaned):
        with pytest.raises(StepRefused, match="no column of times"):
            cleaned({"step": "split", "how": "time", "by": "x"})

    def test_a_stratified_one_is_that_of_the_ingest(self, cleaned):
        assert cleaned({"step": "split"}).manifest.id == cleaned().manifest.id
