import sys

from pileus.compute.sandbox.finding import find


class TestFind:
    def test_without_the_program_there_is_none_and_a_reason(self, tmp_path):
        assert find(tmp_path, lambda _: None) == "bubblewrap is not installed"

    def test_a_program_that_is_not_let_is_told_in_its_words(self, tmp_path):
        program = tmp_path / "bwrap"
        program.write_text("#!/bin/sh\necho 'bwrap: No permissions' >&2\nexit 1\n")
        program.chmod(0o700)

        found = find(tmp_path, lambda _: str(program))

        assert found == f"{program} may not make one here: bwrap: No permissions"

    def test_python_is_shown_and_the_home_hidden(self, tmp_path):
        found = find(tmp_path, lambda _: "/bin/true")

        assert not isinstance(found, str)
        assert sys.prefix in found.shows
        assert found.hides == (str(tmp_path.resolve()),)
