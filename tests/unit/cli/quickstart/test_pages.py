import pytest

from pileus.cli.output import Output
from pileus.cli.quickstart.pages import Pages


class TestSteps:
    def test_a_step_is_one_numbered_line_with_its_result(self, capsys):
        pages = Pages(Output(as_json=False))

        with pages.step("dataset", "reading") as step:
            step.result = "1438 to train"

        line = capsys.readouterr().out
        assert line.split()[:4] == ["1", "dataset", "1438", "to"]
        assert line.rstrip().endswith(" s")

    def test_a_step_that_fails_is_known_by_name_and_prints_nothing(self, capsys):
        pages = Pages(Output(as_json=False))

        with pytest.raises(ValueError, match="no"), pages.step("train", ""):
            raise ValueError("no")

        assert pages.current == "train"
        assert capsys.readouterr().out == ""

    def test_with_json_nothing_but_the_object_is_printed(self, capsys):
        with Pages(Output(as_json=True)).step("train", "") as step:
            step.result = "done"

        assert capsys.readouterr().out == ""
