import json
import os
import subprocess
import sys

import pytest

from pileus.compute.layout import ATTEMPT_MODULES
from tests.unit.compute.building import json_in, make_directory

LESSON = """\
import pathlib
from pileus_attempt import Attempt

class Teacher:
    @staticmethod
    def rate(count):
        return count / 2

def learn(rate, epochs=1):
    print("learning")
    return {"rate": rate, "epochs": epochs}

def fails():
    raise ValueError("too hard")

def paths():
    return pathlib.Path()

def long():
    return ["x" * 10_001]

def large():
    return [1] * 100_000

def finishes():
    Attempt.current().finish({"loss": 1})

def stops():
    Attempt.current().request_stop()
"""


@pytest.fixture
def call(tmp_path):
    """Calls a function of a module in the working directory; exit code, result, output."""
    layout = make_directory(tmp_path)
    (layout.work / "lesson.py").write_text(LESSON)

    def of(name, *args, **kwargs):
        arguments = json.dumps({"args": args, "kwargs": kwargs})
        done = subprocess.run(
            [sys.executable, "-m", "pileus_call", f"lesson:{name}", arguments],
            cwd=layout.work,
            env=os.environ
            | {"PYTHONPATH": str(ATTEMPT_MODULES), "PILEUS_ATTEMPT_DIR": str(layout.directory)},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, json_in(layout.result), done.stdout + done.stderr

    return of


class TestCall:
    def test_what_it_returns_is_the_result(self, call):
        code, result, output = call("learn", 0.5, epochs=2)

        assert (code, result["status"]) == (0, "succeeded")
        assert result["summary"] == {"result": {"rate": 0.5, "epochs": 2}}
        assert output == "learning\n"

    def test_a_name_may_lead_into_a_class(self, call):
        assert call("Teacher.rate", 3)[1]["summary"] == {"result": 1.5}

    def test_an_exception_is_the_reason(self, call):
        code, result, output = call("fails")

        assert (code, result["error"]["message"]) == (1, "ValueError: too hard")
        assert "Traceback" in output

    def test_a_function_that_is_not_there(self, call):
        code, result, _ = call("missing")

        assert (code, result["error"]["code"]) == (1, "exception")
        assert "missing" in result["error"]["message"]

    @pytest.mark.parametrize(
        "name, why", [("paths", "JSON cannot hold"), ("long", "10001 char"), ("large", "bytes")]
    )
    def test_what_the_server_would_not_keep_is_no_result(self, call, name, why):
        code, result, _ = call(name)

        assert (code, result["error"]["code"]) == (1, "result_refused")
        assert why in result["error"]["message"]

    def test_a_function_may_say_its_result_itself(self, call):
        code, result, _ = call("finishes")

        assert (code, result["summary"]) == (0, {"loss": 1})

    def test_one_that_was_asked_to_stop_was_preempted(self, call):
        assert call("stops")[1]["status"] == "preempted"
