"""Every example of the documentation runs, or says why it does not."""

from importlib.util import find_spec

import pytest

from tests.docs.examples import (
    EXECUTABLE,
    INERT,
    ROOT,
    Block,
    Command,
    blocks_of,
    commands_of,
    missing,
    pages,
)

PAGES = pages()
WITH_EXAMPLES = [page for page in PAGES if any(block.runs for block in blocks_of(page))]


def console(text):
    return Block("page.md", 1, "console", text, "run", "home")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(find_spec("pileus.cli.main") is None, reason="there is no command line yet")
class TestStory:
    @pytest.mark.parametrize("page", WITH_EXAMPLES)
    def test_the_examples_of_a_page_do_what_it_says(self, story, page):
        story.tell(page)


class TestTags:
    @pytest.mark.parametrize("page", PAGES)
    def test_every_example_is_run_or_says_why_not(self, page):
        untagged = [
            block.place
            for block in blocks_of(page)
            if block.language in EXECUTABLE and (block.verb is None or not block.what)
        ]

        assert untagged == []

    @pytest.mark.parametrize("page", PAGES)
    def test_no_example_hides_behind_another_language(self, page):
        hidden = [
            f"{block.place} {block.language!r}"
            for block in blocks_of(page)
            if block.language not in EXECUTABLE | INERT
        ]

        assert hidden == []

    @pytest.mark.parametrize("page", PAGES)
    def test_every_console_block_has_a_command(self, page):
        empty = [
            block.place
            for block in blocks_of(page)
            if block.language == "console" and not commands_of(block)
        ]

        assert empty == []

    def test_every_page_of_the_story_exists(self):
        assert [page for page in PAGES if not (ROOT / page).exists()] == []


class TestBlocksOf:
    def test_a_tag_belongs_to_the_block_below_it(self):
        text = "<!-- run: home -->\n```console\n$ pileus status\n```\n\n```python\nprint()\n```\n"

        tagged, bare = blocks_of("page.md", text)

        assert (tagged.runs, tagged.text) == (True, "$ pileus status")
        assert (bare.runs, bare.verb) == (False, None)

    def test_a_reason_is_kept(self):
        (block,) = blocks_of("page.md", "<!-- not run: it stops us -->\n\n```console\n$ x\n```")

        assert (block.runs, block.what) == (False, "it stops us")

    def test_words_between_tag_and_block_part_them(self):
        (block,) = blocks_of("page.md", "<!-- run: home -->\nThen:\n```console\n$ x\n```")

        assert block.verb is None

    def test_an_indented_block_loses_its_indent(self):
        (block,) = blocks_of("page.md", "1. First\n\n    ```console\n    $ x\n    ```\n")

        assert block.text == "$ x"


class TestCommandsOf:
    def test_output_belongs_to_the_command_above(self):
        found = commands_of(console("$ first\none\n\n$ second\n"))

        assert found == [Command("first", ("one",)), Command("second", ())]

    def test_a_backslash_continues_the_command(self):
        assert commands_of(console("$ a \\\n    b\nout")) == [Command("a b", ("out",))]

    def test_output_without_a_command_is_refused(self):
        with pytest.raises(ValueError, match=r"page\.md:1: output before the first command"):
            commands_of(console("out"))


class TestMissing:
    def test_ids_numbers_and_widths_may_differ(self):
        shown = ("job_06b2k5v0s4e1h8m3q7t9w2x5yz  succeeded in 3.2 s",)
        printed = "noise\njob_06bzzzzzzzzzzzzzzzzzzzzzzz   succeeded in 12 s\n"

        assert missing(shown, printed) == []

    def test_words_may_not(self):
        assert missing(("job failed",), "job succeeded\n") == ["job failed"]

    def test_lines_keep_their_order(self):
        assert missing(("b", "a"), "a\nb\n") == ["a"]

    def test_dots_stand_for_any_lines(self):
        assert missing(("a", "...", "c"), "a\nb\nc\n") == []
