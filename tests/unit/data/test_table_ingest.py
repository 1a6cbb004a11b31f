import pytest

from pileus.data import faults, table_ingest, table_parts
from pileus.data.errors import LabelRefused, SplitRefused, TableDamaged
from tests.unit.data.build import csv_file, ingested, table_text


def lines_of(prepared):
    """Lines by the side they are on, headers left out."""
    manifest = prepared.manifest
    packs = {blob.digest: blob.path.read_bytes() for blob in prepared.blobs}
    sides: dict[str, list[str]] = {"train": [], "untouched": []}
    for item in manifest.items:
        data = packs[manifest.packs[item.pack].digest][item.offset : item.offset + item.size]
        sides[item.split] += data.decode().splitlines()[1:]
    return sides


@pytest.fixture
def ingest(tmp_path):
    def run(text, **options):
        return ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out", **options)

    return run


class TestIngestTable:
    def test_describes_the_table(self, ingest):
        prepared = ingest("age,city,label\n1,x,no\n2,y,yes\n,x,no\n4,y,yes\n")
        manifest = prepared.manifest

        assert manifest.kind == "table"
        assert manifest.label == "label"
        assert manifest.classes == ("no", "yes")
        assert [(c.name, c.type, c.values) for c in manifest.columns] == [
            ("age", "number", None),
            ("city", "category", ("x", "y")),
        ]
        assert (manifest.rows.train, manifest.rows.untouched) == (2, 2)
        assert [item.path for item in manifest.items] == [
            "train/part-00000.csv",
            "untouched/part-00000.csv",
        ]
        assert {item.label for item in manifest.items} == {"label"}
        assert any("'label', by its name" in notice for notice in prepared.notices)

    def test_every_row_is_on_one_side_in_its_order(self, ingest):
        text = table_text(60)

        sides = lines_of(ingest(text))

        rows = text.splitlines()[1:]
        assert sorted(sides["train"] + sides["untouched"]) == sorted(rows)
        assert sides["train"] == [row for row in rows if row in sides["train"]]
        assert len(sides["untouched"]) == 12

    def test_equal_rows_land_on_one_side(self, ingest):
        text = table_text(20)
        prepared = ingest(text + "".join(f"{line}\n" for line in text.splitlines()[1:] * 5))

        sides = lines_of(prepared)

        assert not set(sides["train"]) & set(sides["untouched"])
        assert any("repeat others: 100" in notice for notice in prepared.notices)

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: text.replace("\n", "\r\n"),
            lambda text: text.replace(",", ";"),
            lambda text: text.replace(",", "\t"),
            lambda text: "\ufeff" + text,
            lambda text: text.replace("\n", "\n\n"),
            lambda text: text.replace("no", '"no"'),
            lambda text: text.rstrip("\n"),
        ],
        ids=["crlf", "semicolon", "tab", "bom", "blank lines", "quotes", "no last line end"],
    )
    def test_spelling_of_the_file_does_not_matter(self, ingest, change):
        assert ingest(change(table_text())).manifest.id == ingest(table_text()).manifest.id

    def test_cells_are_kept_as_they_are(self, ingest):
        sides = lines_of(ingest('name,label\n" a, ""b"" ",x\n1.50,y\nc,x\nd,y\n'))

        assert '" a, ""b"" ",x' in sides["train"] + sides["untouched"]
        assert "1.50,y" in sides["train"] + sides["untouched"]

    def test_parts_end_before_they_are_too_large(self, ingest, monkeypatch):
        monkeypatch.setattr(table_parts, "PART_BYTES", 100)

        manifest = ingest(table_text(60)).manifest

        assert len(manifest.of("train")) > 3
        assert all(item.size <= 100 for item in manifest.items)

    def test_regression_splits_by_content(self, ingest):
        text = "a,y\n" + "".join(f"{n},{n * 1.5}\n" for n in range(50))

        prepared = ingest(text)

        assert prepared.manifest.task == "regression"
        assert prepared.manifest.classes is None
        assert prepared.manifest.split.how == "content"
        assert prepared.manifest.rows.untouched == 10
        assert any("--task" in notice for notice in prepared.notices)

    def test_the_spool_is_gone(self, ingest, tmp_path):
        ingest(table_text())

        assert not list(tmp_path.rglob("rows.tmp"))

    def test_text_is_stored_and_mentioned(self, ingest):
        text = "name,label\n" + "".join(f"word {n},{'ab'[n % 2]}\n" for n in range(150))

        prepared = ingest(text)

        assert prepared.manifest.columns[0].type == "text"
        assert any("'name' is text" in notice for notice in prepared.notices)

    def test_a_class_with_one_row_is_named(self, ingest):
        prepared = ingest(table_text(20) + "99,1.5,rare\n")

        assert prepared.manifest.classes == ("no", "rare", "yes")
        assert any("cannot judge them: 'rare'" in notice for notice in prepared.notices)

    def test_ten_thousand_classes_are_a_classification(self, ingest):
        prepared = ingest("a,label\n" + "".join(f"{n},c{n % 10_000}\n" for n in range(20_000)))

        assert len(prepared.manifest.classes) == 10_000
        assert prepared.manifest.rows.untouched == 10_000

    def test_one_class_more_is_refused(self, ingest):
        text = "a,label\n" + "".join(f"{n},c{n % 10_001}\n" for n in range(20_002))

        with pytest.raises(LabelRefused, match="'label' has 10,001 classes; 10,000 is the most"):
            ingest(text)

    def test_columns_may_be_named_for_a_file_without_a_header(self, ingest):
        prepared = ingest("1,x\n2,y\n3,x\n4,y\n", columns=("size", "kind"))

        assert prepared.manifest.label == "kind"
        assert sum((prepared.manifest.rows.train, prepared.manifest.rows.untouched)) == 4

    @pytest.mark.parametrize("fill", ["plain", '"quoted"'])
    def test_batches_do_not_change_the_version(self, ingest, monkeypatch, fill):
        text = table_text(60).replace("no", fill) + ",,yes\n NA , 1.5 , yes \n"
        whole = ingest(text).manifest.id
        monkeypatch.setattr(table_ingest, "_BATCH", 7)

        assert ingest(text).manifest.id == whole


class TestSkipping:
    def test_rows_that_cannot_be_used_are_left_out_and_listed(self, ingest):
        bad = "1,2\n1,2,\n3,4,NaN\n5,6,7,8\n"

        prepared = ingest(table_text(40) + bad + "7,8,yes\n", skip_bad=True)

        assert sum((prepared.manifest.rows.train, prepared.manifest.rows.untouched)) == 41
        assert [(one.name, one.line, one.code) for one in prepared.skipped] == [
            ("t.csv", 42, "table_damaged"),
            ("t.csv", 43, "label_refused"),
            ("t.csv", 44, "label_refused"),
            ("t.csv", 45, "table_damaged"),
        ]
        assert "2 cells for 3 columns" in prepared.skipped[0].reason

    def test_the_version_is_that_of_the_table_without_them(self, ingest):
        dirty = ingest(table_text(40) + "1,2\n", skip_bad=True)

        clean = ingest(table_text(40))
        assert dirty.manifest.id == clean.manifest.id
        assert dirty.manifest.skipped.total == 1
        assert dirty.manifest.skipped.first[0].line == 42
        assert clean.manifest.skipped is None

    def test_a_label_that_is_no_number_is_left_out_of_a_regression(self, ingest):
        text = "a,y\n" + "".join(f"{n},{n * 1.5}\n" for n in range(50)) + "1,many\n"

        prepared = ingest(text, task="regression", skip_bad=True)

        assert [(one.line, one.code) for one in prepared.skipped] == [(52, "label_refused")]

    def test_they_are_listed_in_the_order_of_their_lines(self, ingest):
        text = table_text(40) + '1,2\n"3,4,no\n5,6,\n'

        assert [one.line for one in ingest(text, skip_bad=True).skipped] == [42, 43, 44]
        with pytest.raises(TableDamaged, match="line 42"):
            ingest(text)

    def test_too_many_are_refused(self, ingest, monkeypatch):
        monkeypatch.setattr(faults, "MAX_SKIPPED", 3)

        with pytest.raises(TableDamaged, match=r"line 5: 1 cells .* 3 parts before it"):
            ingest("a,label\n" + "1\n" * 9, skip_bad=True)


class TestRefusals:
    @pytest.mark.parametrize(
        "text, says",
        [
            ("", "'t.csv' is empty"),
            ("\n\n", "'t.csv' is empty"),
            ("a,label\n", "a header and no rows"),
            ("label\nx\n", "one column only"),
            ("a,,label\n1,2,x\n", "column 2 of 3 has no name"),
            ("a,a ,label\n1,2,x\n", r"columns \['a'\]"),
            ("1,2,3\n4,5,6\n", "numbers where the names"),
            ("39,Private,no\n50,Private,yes\n38,Public,no\n", "'no' is a label"),
            ("a,label\n1,x\n2,y,z\n", "line 3: 3 cells for 2 columns"),
            ("a,label\n1,x\n2\n", "line 3: 1 cells for 2 columns"),
            ("a,b,label\n,1,x\n?,2,y\n", r"Columns \['a'\] have no value"),
            ('a,label\n1,x\n"2,y\n', "line 3"),
        ],
    )
    def test_damage_is_named_with_its_line(self, ingest, text, says):
        with pytest.raises(TableDamaged, match=says) as refusal:
            ingest(text)

        assert refusal.value.hint

    def test_the_line_of_a_row_counts_line_ends_in_cells(self, ingest):
        with pytest.raises(TableDamaged, match="line 4: 3 cells"):
            ingest('a,label\n"1\n2",x\n3,y,z\n')

    def test_a_row_without_a_label_is_named(self, ingest):
        with pytest.raises(LabelRefused, match=r"'t.csv', line 3: no label in column 'label'"):
            ingest("a,label\n1,x\n2,\n")

    def test_nothing_to_leave_untouched_is_refused(self, ingest):
        with pytest.raises(SplitRefused):
            ingest("a,label\n1,x\n1,x\n2,y\n")
