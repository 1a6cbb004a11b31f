import gzip

import pytest

from pileus.data.errors import EncodingRefused, SourceChanged, TableDamaged
from pileus.data.sources import text
from pileus.data.sources.text import TextFile
from tests.unit.data.build import csv_file
from tests.unit.data.sources.test_encoding import CHINESE, GERMAN


def lines(path, encoding=None, **options):
    return list(TextFile(path, path.name, encoding, **options).lines())


class TestLines:
    def test_any_line_end_ends_a_line(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", b"a\nb\r\nc\rd\r\r")

        assert lines(path) == ["a", "b", "c", "d", ""]

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
    def test_lines_are_whole_however_much_is_read_at_once(self, tmp_path, monkeypatch, size):
        monkeypatch.setattr(text, "_CHUNK", size)
        path = csv_file(tmp_path / "t.csv", "\ufeffab\r\n\r\ncdéf\n\nx\rlast")

        assert lines(path) == ["ab", "", "cdéf", "", "x", "last"]
        assert all(chunk.endswith("\n") for chunk in TextFile(path, "t.csv").chunks())

    @pytest.mark.parametrize("encoding", ["gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
    def test_a_named_encoding_is_read(self, tmp_path, encoding):
        path = csv_file(tmp_path / "t.csv.gz", gzip.compress(CHINESE.encode(encoding)))

        assert lines(path, encoding) == CHINESE.splitlines()

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
    def test_a_bom_is_no_text(self, tmp_path, encoding):
        path = csv_file(tmp_path / "t.csv", ("\ufeff" + GERMAN).encode(encoding))

        assert lines(path, encoding) == GERMAN.splitlines()

    def test_a_line_without_an_end_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(text, "MAX_LINE", 100)
        monkeypatch.setattr(text, "_CHUNK", 50)

        with pytest.raises(TableDamaged, match="line 2: it has more than 100"):
            lines(csv_file(tmp_path / "t.csv", "a\n" + "x" * 200))

    def test_a_file_that_grows_meanwhile_is_refused(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", "a\n" * 5)
        reading = TextFile(path, "t.csv").lines()
        next(reading)
        with path.open("a") as stream:
            stream.write("b\n")

        with pytest.raises(SourceChanged, match=r"'t\.csv' changed while it was read"):
            list(reading)


class TestRefusals:
    @pytest.mark.parametrize(
        "encoding, proposed",
        [
            ("gbk", "gbk"),
            ("utf-16", "utf-16"),
            ("utf-16-le", "utf-16-le"),
            ("utf-16-be", "utf-16-be"),
        ],
    )
    @pytest.mark.parametrize("forgiving", [False, True])
    def test_another_encoding_is_proposed(self, tmp_path, encoding, proposed, forgiving):
        path = csv_file(tmp_path / "t.csv", (CHINESE * 20).encode(encoding))

        with pytest.raises(EncodingRefused, match=rf"'t\.csv'.* looks like {proposed}") as refusal:
            lines(path, is_forgiving=forgiving)

        assert str(refusal.value.hint).endswith(f"--encoding {proposed}")

    def test_western_text_is_proposed(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", GERMAN.encode("latin-1"))

        with pytest.raises(EncodingRefused, match=r"line 2: it is not UTF-8 .* cp1252"):
            lines(path)

    def test_an_unknown_name_is_refused(self, tmp_path):
        for name in ("utf-9", "base64"):
            with pytest.raises(EncodingRefused, match=f"no encoding '{name}'"):
                TextFile(csv_file(tmp_path / "t.csv", "a\n"), "t.csv", name)

    def test_utf_8_is_not_read_as_another(self, tmp_path):
        path = csv_file(tmp_path / "t.csv", CHINESE)

        with pytest.raises(EncodingRefused, match="is UTF-8, not gbk"):
            lines(path, "gbk")


class TestFault:
    def fault(self, tmp_path, data, encoding=None, **options):
        path = csv_file(tmp_path / "t.csv", data)
        reader = TextFile(path, "t.csv", encoding, **options)
        for number, line in enumerate(reader.lines(), start=1):
            if found := reader.fault(number, line):
                return found
        return None

    def test_text_has_none(self, tmp_path):
        assert self.fault(tmp_path, CHINESE) is None

    def test_a_wrong_name_is_told_with_the_line(self, tmp_path):
        fault = self.fault(tmp_path, GERMAN.encode("latin-1"), "gb18030")

        assert "line 3: it is not gb18030" in fault.message
        assert fault.hint.endswith("--encoding cp1252")

    def test_a_late_line_is_told_with_its_bytes(self, tmp_path, monkeypatch):
        monkeypatch.setattr(text, "SAMPLE_BYTES", 100)

        fault = self.fault(tmp_path, b"a,b\n" * 100 + "1,张三\n".encode("gbk"))

        assert "line 101: it is not UTF-8" in fault.message
        assert fault.hint.endswith("--encoding gbk")

    def test_a_few_bad_lines_are_forgiven(self, tmp_path):
        data = b"a,b\n" * 100 + b"1,\xe9\n"

        assert "line 101" in self.fault(tmp_path, data, is_forgiving=True).message

    def test_zero_bytes_are_no_text(self, tmp_path):
        assert "line 2: it holds a zero byte" in self.fault(tmp_path, b"a,b\n1,2\0\n").message
