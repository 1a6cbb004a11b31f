from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pileus.cli.user_code import program_of, take
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
