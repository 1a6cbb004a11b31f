import gzip
import json

import pytest

from pileus.data.errors import TableDamaged
from pileus.data.faults import Faults
from pileus.data.sources import json_lines
from pileus.data.sources.json_lines import JsonLines
from pileus.data.sources.options import SourceOptions
from tests.unit.data.build import csv_file, ingested


def rows(path, **options):
    source = JsonLines.of(path, path.name, SourceOptions(path.parent, **options))
    return [(row.line, *row.cells) for row in source.rows()]


class TestRows:
    def test_keys_are_columns_and_values_are_kept_as_written(self, tmp_path):
        path = csv_file(
            tmp_path / "t.jsonl",
            '{"id": 12345678901234567890123, "p": 1.50, "ok": true, "s": "a\\nb"}\n'
            "\n"
            '{"p": 1e3, "s": null, "id": 1, "ok": false}\r\n'
            '{"s": "é"}',
        )

        assert rows(path) == [
            (0, "id", "p", "ok", "s"),
            (1, "12345678901234567890123", "1.50", "true", "a\nb"),
            (3, "1", "1e3", "false", ""),
            (4, "", "", "", "é"),
        ]

    def test_a_key_that_the_first_lines_have_is_a_column(self, tmp_path):
        path = csv_file(tmp_path / "t.ndjson.gz", gzip.compress(b'{"a":1}\n{"b":2}\n'))

        assert rows(path) == [(0, "a", "b"), (1, "1", ""), (2, "", "2")]

    def test_no_row_is_lost_where_columns_are_decided(self, tmp_path, monkeypatch):
        monkeypatch.setattr(json_lines, "_LOOKED_AT", 3)
        path = csv_file(tmp_path / "t.jsonl", "".join(f'{{"a":{n}}}\n' for n in range(9)))

        assert [row[1] for row in rows(path)] == ["a", *map(str, range(9))]

    def test_a_table_becomes_the_version_that_it_is_as_csv(self, tmp_path):
        table = [{"a": n, "label": "xy"[n % 2]} for n in range(40)]
        lines = csv_file(tmp_path / "t.jsonl", "\n".join(map(json.dumps, table)))
        plain = csv_file(
            tmp_path / "t.csv",
            "a,label\n" + "".join(f"{row['a']},{row['label']}\n" for row in table),
        )

        ids = {ingested(path, tmp_path / "out").manifest.id for path in (lines, plain)}

        assert len(ids) == 1


class TestDamage:
    @pytest.mark.parametrize(
        "line, says",
        [
            ('{"a": 1', "line 2: it is not JSON"),
            ("[1, 2]", "line 2: it is not an object"),
            ("7", "line 2: it is not an object"),
            ('{"a": [1]}', "line 2: the value of 'a' is a list"),
            ('{"a": {"b": 1}}', "line 2: the value of 'a' is an object"),
            ('{"a": 1, "a": 2}', "line 2: key 'a' is there more than once"),
            ("[" * 100_000, "line 2"),
        ],
    )
    def test_is_named_with_its_line_and_passed_over(self, tmp_path, line, says):
        path = csv_file(tmp_path / "t.jsonl", '{"a":1,"b":2}\n' + line + '\n{"a":3,"b":4}\n')
        faults = Faults(skip=True)

        with pytest.raises(TableDamaged, match=says):
            rows(path)

        assert [row[0] for row in rows(path, faults=faults)] == [0, 1, 3]
        assert [one.line for one in faults.skipped] == [2]

    def test_a_late_key_is_named(self, tmp_path, monkeypatch):
        monkeypatch.setattr(json_lines, "_LOOKED_AT", 1)
        path = csv_file(tmp_path / "t.jsonl", '{"a":1}\n{"a":1,"b":2}\n')

        with pytest.raises(TableDamaged, match=r"line 2: keys \['b'\]"):
            rows(path)

    def test_half_a_character_is_named(self, tmp_path):
        path = csv_file(tmp_path / "t.jsonl", '{"a":"\\ud800","y":1}\n{"a":"b","y":2}\n')

        with pytest.raises(TableDamaged, match="line 1: it holds half a character"):
            ingested(path, tmp_path / "out")
