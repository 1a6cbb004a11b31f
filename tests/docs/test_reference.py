"""The reference pages say what the code says."""

import pytest

from pileus.core.errors import PileusError
from scripts import reference


class TestReference:
    @pytest.mark.parametrize("name", sorted(reference.WRITERS))
    def test_a_page_is_what_the_code_says_today(self, name):
        committed = (reference.PAGES / name).read_text(encoding="utf-8")

        assert committed == reference.page(name), "run `make reference`"

    def test_every_error_is_on_the_page_and_says_what_it_means(self):
        text = reference.page("errors.md")
        codes = [code for code in PileusError.by_code if not code.startswith("test_")]

        assert [code for code in codes if f"`{code}`" not in text] == []
        assert "|  |" not in text

    def test_every_setting_says_what_it_means(self):
        assert "|  |" not in reference.page("settings.md")
