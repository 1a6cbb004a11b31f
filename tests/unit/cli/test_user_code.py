from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pileus.cli.user_code import Program, environment_of, program_of, take
from pileus.core.errors import InvalidRequest


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    work = tmp_path / "work"
    (work / "sub").mkdir(parents=True)
    (work / "train.py").touch()
    (work / "sub" / "other.py").touch()
    (tmp_path / "above.py").touch()
    monkeypatch.chdir(work)


class TestProgramOf:
    @pytest.mark.parametrize("script", ["train.py", "./train.py", "sub/other.py"])
    def test_a_script_takes_the_current_folder_along(self, script):
        assert program_of([script, "-x"], None) == (("python", script, "-x"), Path())

    def test_a_script_of_a_named_folder(self):
        assert program_of(["other.py"], Path("sub")) == (("python", "other.py"), Path("sub"))

    @pytest.mark.parametrize("command", [["du", "-sh"], ["missing.py"], ["/opt/train.py"]])
    def test_any_other_command_takes_nothing_along_unless_told(self, command):
        assert program_of(command, None) == (tuple(command), None)
        assert program_of(command, Path("sub")) == (tuple(command), Path("sub"))

    def test_a_script_outside_of_the_folder_is_refused(self):
        with pytest.raises(InvalidRequest, match="not in the folder"):
            program_of(["../above.py"], None)


class TestTake:
    def test_it_tells_which_secrets_it_left_out(self):
        notes: list[str] = []
        taken = SimpleNamespace(id="code_1", secrets=(".env",))
        code = SimpleNamespace(take=lambda folder, include_secrets: taken)
        session: Any = SimpleNamespace(
            client=SimpleNamespace(code=code), output=SimpleNamespace(note=notes.append)
        )

        assert take(session, Path(), include_secrets=False) == "code_1"
        assert ".env" in notes[0]


class TestEnvironmentOf:
    def test_auto_takes_a_lock_before_a_project_before_requirements(self):
        program = Program(("python",), None)
        Path("requirements.txt").touch()
        first = environment_of(program, "auto")
        Path("uv.lock").touch()

        assert first == (Program(("python",), Path()), "requirements.txt")
        assert environment_of(program, "auto")[1] == "uv.lock"

    def test_auto_without_any_is_refused(self):
        with pytest.raises(InvalidRequest, match=r"none of uv\.lock"):
            environment_of(Program(("python",), Path("sub")), "auto")

    def test_a_file_alone_takes_its_folder_along(self):
        Path("sub/needs.txt").touch()

        assert environment_of(Program(("x",), None), "sub/needs.txt") == (
            Program(("x",), Path("sub")),
            "needs.txt",
        )

    def test_a_file_of_the_code_may_be_named_from_here_or_from_there(self):
        Path("sub/needs.txt").touch()
        program = Program(("x",), Path("sub"))

        assert environment_of(program, "needs.txt") == (program, "needs.txt")
        assert environment_of(program, "sub/needs.txt") == (program, "needs.txt")

    @pytest.mark.parametrize("chosen", ["../above.py", "missing.txt"])
    def test_a_file_that_is_not_of_the_code_is_refused(self, chosen):
        with pytest.raises(InvalidRequest, match="not a file of the folder"):
            environment_of(Program(("x",), Path()), chosen)
