import pytest

from pileus.cli.output import Output
from pileus.cli.skipped import counted, show_skipped, skipped_of

ONE = {"name": "a.csv", "line": 3, "code": "table_damaged", "reason": "1 cell for 2"}


class TestShowSkipped:
    def test_the_first_are_listed_and_all_are_counted(self, capsys):
        show_skipped(Output(as_json=False), [ONE] * 25, 1025)

        printed = capsys.readouterr().out
        assert "Skipped 1,025" in printed
        assert printed.count("1 cell for 2") == 10

    def test_nothing_is_said_of_nothing(self, capsys):
        show_skipped(Output(as_json=False), [], 0)

        assert capsys.readouterr().out == ""


class TestSkippedOf:
    @pytest.mark.parametrize("version", [{}, {"info": None}, {"info": {"classes": []}}])
    def test_a_version_without_any_has_none(self, version):
        assert skipped_of(version) is None
        assert counted(skipped_of(version)) is None

    def test_codes_are_counted(self):
        codes = [["table_damaged", 1200], ["label_refused", 3]]
        version = {"info": {"skipped": {"total": 1203, "codes": codes, "first": [ONE]}}}

        assert counted(skipped_of(version)) == "1,203: 1,200 table_damaged, 3 label_refused"
