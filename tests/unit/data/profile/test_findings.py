import pytest

from pileus.data.profile.document import read_profile
from pileus.data.profile.findings import findings
from tests.unit.data.build import class_folder, csv_file, ingested, png


def texts(prepared):
    return [one.text for one in findings(read_profile(prepared.profile.path.read_bytes()))]


def of_table(tmp_path, lines, header="x,y,label"):
    text = header + "\n" + "\n".join(lines) + "\n"
    return texts(ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out"))


class TestFindings:
    def test_a_sound_table_has_none(self, tmp_path):
        assert of_table(tmp_path, [f"{n},{n * 7 % 50},{'ab'[n % 2]}" for n in range(400)]) == []

    @pytest.mark.parametrize(
        "line, says",
        [
            ("{n},1,{c}", "Column 'y' has one value only"),
            ("{n},only,{c}", "Column 'y' has one value only"),
            ("{n},{sparse},{c}", "Column 'y': 75% of values are missing"),
            ("{n},{n},{rare}", "Classes are unbalanced: 'a' has 196 rows, 'b' 4"),
            ("{n},{n},{rare}", "Classes with fewer than 10 rows: 'b'"),
            ("{half},{half},{c}", "100 rows repeat"),
        ],
    )
    def test_each_says_what_and_how_much(self, tmp_path, line, says):
        lines = [
            line.format(
                n=n,
                c="ab"[n // 2 % 2],
                half=n // 2,
                sparse=n if n % 4 == 0 else "",
                rare="b" if n % 50 == 0 else "a",
            )
            for n in range(200)
        ]

        assert any(says in text for text in of_table(tmp_path, lines))

    def test_images_on_both_sides_and_in_two_classes_come_first(self, tmp_path):
        root = tmp_path / "in"
        class_folder(root / "train", {"a": 12, "b": 12})
        class_folder(root / "test", {"a": 12, "b": 12}, start=100)
        for place in ("train/a", "test/a", "train/b"):
            (root / place / "same.png").write_bytes(png(1234))

        found = texts(ingested(root, tmp_path / "out"))

        assert found[0].startswith("1 images are in training and in the untouched split")
        assert found[1] == "1 images are in more than one class"
