"""The same input is the same everywhere; a quickstart works on anybody's pictures."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.installation import Installation, processes_of, run_pileus, value_of

KEYS = {
    "accuracy",
    "seconds",
    "parity_max_abs_diff",
    "dataset_version",
    "model_version",
    "prediction_id",
    "cost_micro",
}
CATS_AND_DOGS = Path(__file__).parents[3] / "shared" / "data" / "cats-dogs" / "train"


def photos(folder: Path, count: int) -> dict[str, bytes]:
    """Small JPEG photos of a sunset and of a forest, each different."""
    chance = random.Random(7)
    files = {}
    for name, colour in (("sunset", (210, 110, 60)), ("forest", (50, 120, 60))):
        for number in range(count):
            small = Image.new("RGB", (8, 6))
            for x in range(8):
                for y in range(6):
                    shade = chance.randint(-45, 45)
                    small.putpixel((x, y), tuple(max(0, c + shade) for c in colour))
            path = folder / name / f"{number:03d}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            small.resize((48, 36), Image.Resampling.BICUBIC).save(path, "JPEG")
            files[f"{name}/{path.name}"] = path.read_bytes()
    return files


def write_again(files: dict[str, bytes], folder: Path) -> None:
    """The same files in another order, of another age."""
    for age, path in enumerate(sorted(files, reverse=True)):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(files[path])
        os.utime(target, (1_000_000_000 + age, 1_100_000_000 + age))


class TestDatasetVersion:
    def test_a_folder_of_images(
        self, calm: Installation, rough: Installation, tmp_path: Path
    ) -> None:
        write_again(photos(tmp_path / "here", 12), tmp_path / "there" / "deeper")

        first = calm.cli("dataset", "create", "photos", str(tmp_path / "here"))
        second = rough.cli("dataset", "create", "other", str(tmp_path / "there" / "deeper"))

        assert first["id"] == second["id"]
        assert first["manifest"] != second["manifest"] or first["source"] == second["source"]
        assert first["id"].startswith("dsv_")

    def test_a_table(self, calm: Installation, rough: Installation, tmp_path: Path) -> None:
        rows = [f"{n},{n * n},{'even' if n % 2 == 0 else 'odd'}\n" for n in range(60)]
        (tmp_path / "a.csv").write_text("n,square,kind\n" + "".join(rows), "utf-8")
        crlf = ("n,square,kind\n" + "".join(rows)).replace("\n", "\r\n")
        (tmp_path / "b.csv").write_bytes(crlf.encode("utf-8"))

        first = calm.cli("dataset", "create", "numbers", str(tmp_path / "a.csv"), "--label", "kind")
        second = rough.cli("dataset", "create", "nums", str(tmp_path / "b.csv"), "--label", "kind")

        assert first["id"] == second["id"]

    def test_one_changed_label_is_another_version(self, calm: Installation, tmp_path: Path) -> None:
        files = photos(tmp_path / "here", 12)
        moved = files.pop("sunset/000.jpg")
        write_again(files | {"forest/from-sunset.jpg": moved}, tmp_path / "there")

        ids = {
            calm.cli("dataset", "create", "changed", str(tmp_path / name))["id"]
            for name in ("here", "there")
        }

        assert len(ids) == 2


def quickstart(directory: Path, *words: str) -> dict[str, Any]:
    """What a quickstart prints; it leaves neither files nor processes behind."""
    temporary = directory / "temporary"
    temporary.mkdir()
    done = run_pileus("quickstart", "--json", *words, HOME=str(directory), TMPDIR=str(temporary))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [path for path in temporary.iterdir() if path.name.startswith("pileus")] == []
    assert processes_of(temporary) == []
    answer: dict[str, Any] = value_of(done)
    return answer


@pytest.fixture(scope="module")
def answer(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Of a quickstart on a folder of photos."""
    directory = tmp_path_factory.mktemp("quickstart")
    photos(directory / "photos", 40)
    return quickstart(directory, "--dataset", str(directory / "photos"))


class TestQuickstart:
    @pytest.mark.slow
    def test_a_folder_of_photos(self, answer: dict[str, Any]) -> None:
        assert answer.keys() >= KEYS
        assert answer["accuracy"] > 0.9
        assert answer["parity_max_abs_diff"] < 1e-4
        assert answer["cost_micro"] > 0
        for key, prefix in (("dataset_version", "dsv_"), ("model_version", "mdv_")):
            assert answer[key].startswith(prefix)
        assert answer["prediction_id"].startswith("prd_")

    @pytest.mark.slow
    def test_the_answer_has_what_was_agreed_and_no_more(self, answer: dict[str, Any]) -> None:
        assert answer.keys() == KEYS

    @pytest.mark.slow
    @pytest.mark.timeout(300)
    @pytest.mark.skipif(not CATS_AND_DOGS.is_dir(), reason="the photos are not on this machine")
    def test_photos_of_cats_and_dogs(self, tmp_path: Path) -> None:
        answer = quickstart(tmp_path, "--dataset", str(CATS_AND_DOGS))

        assert answer["accuracy"] > 0.5


class TestFailure:
    def test_a_quickstart_on_nothing_names_the_step_and_leaves_nothing(
        self, tmp_path: Path
    ) -> None:
        done = run_pileus(
            "quickstart",
            "--json",
            "--dataset",
            str(tmp_path / "none"),
            HOME=str(tmp_path),
            TMPDIR=str(tmp_path),
        )

        error = json.loads(done.stdout)["error"]
        assert done.returncode not in {0, 1}
        assert "'dataset'" in error["message"]
        assert str(tmp_path / "none") in error["message"]
        assert processes_of(tmp_path) == []
