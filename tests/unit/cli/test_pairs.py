import pytest
import typer

from pileus.cli.pairs import pair


class TestPair:
    def test_all_after_the_first_sign_is_the_value(self):
        assert pair("A=b=c", "--env") == ("A", "b=c")
        assert pair("A=", "--env") == ("A", "")

    @pytest.mark.parametrize("text", ["A", "=b", ""])
    def test_what_is_no_pair_is_refused_by_the_name_of_its_option(self, text):
        with pytest.raises(typer.BadParameter) as refused:
            pair(text, "--env")

        assert refused.value.param_hint == "--env"
