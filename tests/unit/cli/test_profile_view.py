import io

import pytest
from rich.console import Console

from pileus.cli.profile_view import bar, show_profile, sparkline
from pileus.data.profile.document import read_profile
from tests.unit.data.build import class_folder, csv_file, ingested, table_text


def shown(prepared, **info):
    console = Console(width=140, record=True, file=io.StringIO())
    version = {"dataset": "pets", "number": 3, "id": prepared.manifest.id, "info": info}
    show_profile(console, version, read_profile(prepared.profile.path.read_bytes()))
    return console.export_text()


class TestShowProfile:
    def test_a_table_has_a_line_for_each_class_and_column(self, tmp_path):
        lines = [
            f"{n if n % 4 else ''},{'uv'[n % 2]},[x] {n} y,{'ab'[n // 2 % 2]}" for n in range(400)
        ]
        text = "age,kind,note,label\n" + "\n".join(lines) + "\n"
        out = shown(ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out"))

        assert "pets@3" in out
        assert "400 rows" in out
        assert "25.0%" in out
        assert "399" in out
        assert "u 50%, v 50%" in out
        assert "400 different" in out

    def test_images_have_sizes_and_modes(self, tmp_path):
        out = shown(ingested(class_folder(tmp_path / "in", {"a": 5, "b": 5}), tmp_path / "out"))

        assert "5x6 (10)" in out
        assert "RGB (10)" in out
        assert "Classes with fewer than 10 rows: 'a', 'b'" in out

    def test_what_was_skipped_stands_below(self, tmp_path):
        prepared = ingested(csv_file(tmp_path / "t.csv", table_text()), tmp_path / "out")
        part = {"name": "t.csv", "line": 9, "code": "table_damaged", "reason": "line 9: [no]"}
        codes = [["table_damaged", 12]]

        out = shown(prepared, skipped={"total": 12, "codes": codes, "first": [part] * 12})

        assert "Skipped 12: 12 table_damaged" in out
        assert out.count("line 9: [no]") == 10
        assert "and 2 more" in out

    def test_a_regression_has_its_target(self, tmp_path):
        text = "x,y\n" + "".join(f"{n % 9},{n / 3:.4f}\n" for n in range(300))
        out = shown(
            ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out", task="regression")
        )

        assert "what is predicted" in out
        assert "99.67" in out


class TestPictures:
    @pytest.mark.parametrize(
        "counts, line", [([0, 1, 4, 8], " ▁▄█"), ([1, 1000], "▁█"), ([0, 0], "  "), ([], "")]
    )
    def test_a_sparkline_is_blank_only_where_nothing_is(self, counts, line):
        assert sparkline(counts) == line

    @pytest.mark.parametrize("share, line", [(0, ""), (1, "████"), (0.5, "██"), (0.125, "▌")])
    def test_a_bar_is_as_long_as_its_share(self, share, line):
        assert bar(share, 4) == line
