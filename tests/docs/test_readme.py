"""The two languages of the README say the same."""

import re

from tests.docs.examples import ROOT, blocks_of

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"


def headings(page):
    """Levels of the headings, in order; code is not looked at."""
    text = re.sub(
        r"^```.*?^```$",
        "",
        (ROOT / page).read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
    return [len(marks) for marks in re.findall(r"^(#+) ", text, flags=re.MULTILINE)]


class TestTranslation:
    def test_it_has_the_same_examples(self):
        english = [(block.language, block.text, block.verb) for block in blocks_of(ENGLISH)]
        chinese = [(block.language, block.text, block.verb) for block in blocks_of(CHINESE)]

        assert chinese == english

    def test_it_has_the_same_sections(self):
        assert headings(CHINESE) == headings(ENGLISH)

    def test_each_links_to_the_other(self):
        assert f"]({CHINESE})" in (ROOT / ENGLISH).read_text(encoding="utf-8")
        assert f"]({ENGLISH})" in (ROOT / CHINESE).read_text(encoding="utf-8")
