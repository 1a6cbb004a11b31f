import json
import subprocess
import sys
from pathlib import Path

import pytest

from pileus.sdk.calling import MAX_BYTES, describe
from pileus.sdk.errors import CallRefused
from tests.unit.sdk import lesson

ROOT = Path(__file__).parents[3]


class TestDescribe:
    def test_a_function_is_called_by_module_and_name(self):
        call = describe(lesson.learn, (0.1,), {"epochs": 3})

        assert call.folder == ROOT
        assert call.command[:4] == ("python", "-m", "pileus_call", "tests.unit.sdk.lesson:learn")
        assert json.loads(call.command[4]) == {"args": [0.1], "kwargs": {"epochs": 3}}

    def test_a_static_method_is_found_in_its_class(self):
        call = describe(lesson.Teacher.rate, (2,), {})

        assert call.command[3] == "tests.unit.sdk.lesson:Teacher.rate"

    @pytest.mark.parametrize(
        "function, why",
        [
            (lesson.unnamed, "lambda"),
            (lesson.made(), "inside a function"),
            (lesson.partial, "no name"),
            (lesson.Teacher().teach, "method of an object"),
            (lesson.replaced, "not what its module has"),
            (len, "not defined in a Python file"),
            (json.dumps, "installed package"),
            (pytest.raises, "installed package"),
        ],
    )
    def test_what_a_job_could_not_find_is_refused(self, function, why):
        with pytest.raises(CallRefused, match=why):
            describe(function, (), {})

    @pytest.mark.parametrize(
        "argument, why",
        [
            (object(), "not JSON"),
            (float("nan"), "not JSON"),
            ((1, 2), "arrive as others"),
            ({1: 2}, "arrive as others"),
            ("x" * MAX_BYTES, "longer than"),
        ],
    )
    def test_arguments_that_json_does_not_carry_are_refused(self, argument, why):
        with pytest.raises(CallRefused, match=why):
            describe(lesson.learn, (argument,), {})


def run(words, **options):
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, check=True, **options
    )
    return done.stdout


SCRIPT = """\
from pileus.core.errors import PileusError
from pileus.sdk.calling import describe

def train():
    pass

try:
    call = describe(train, (), {})
    print(call.folder, call.command[3])
except PileusError as error:
    print(error.message)
"""


class TestMain:
    def test_a_function_of_a_script_is_that_of_its_files_module(self, tmp_path):
        (tmp_path / "script.py").write_text(SCRIPT)

        assert run([tmp_path / "script.py"]) == f"{tmp_path.resolve()} script:train\n"

    def test_a_function_of_a_module_that_was_started(self, tmp_path):
        (tmp_path / "deep").mkdir()
        (tmp_path / "deep" / "script.py").write_text(SCRIPT)

        told = run(["-m", "deep.script"], cwd=tmp_path)

        assert told == f"{tmp_path.resolve()} deep.script:train\n"

    def test_a_function_that_was_typed_in_is_refused(self):
        assert "was typed in" in run(["-c", SCRIPT])
