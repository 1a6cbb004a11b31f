import os

import pytest

from pileus.compute.command import StartFailed, spawn
from tests.unit.compute.building import make_directory


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


class TestSpawn:
    def test_it_finds_a_program_on_the_path_that_it_is_given(self, layout, tmp_path):
        program = tmp_path / "bin" / "hello"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\necho hello\n")
        program.chmod(0o700)

        pid = spawn(layout, ["hello"], {"PATH": f"/nowhere:{program.parent}"})

        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert layout.stdout.read_text() == "hello\n"

    @pytest.mark.parametrize(
        "content, mode, words",
        [
            ("", 0o600, "chmod"),
            ("no first line", 0o700, "#!/bin/sh"),
            ("#!/no/such/interpreter", 0o700, "interpreter"),
        ],
    )
    def test_a_file_that_is_no_program_says_what_is_missing(
        self, layout, tmp_path, content, mode, words
    ):
        program = tmp_path / "program"
        program.write_text(content)
        program.chmod(mode)

        with pytest.raises(StartFailed, match=words):
            spawn(layout, ["program"], {"PATH": str(tmp_path)})

    def test_an_empty_command_is_refused(self, layout):
        with pytest.raises(StartFailed, match="empty"):
            spawn(layout, [], {})

    def test_arguments_without_end_are_refused(self, layout):
        with pytest.raises(StartFailed, match="too long"):
            spawn(layout, ["/bin/true", "x" * 3_000_000], {})

    def test_a_null_byte_is_refused(self, layout):
        with pytest.raises(StartFailed, match="null"):
            spawn(layout, ["/bin/true", "\0"], {})
