import json
import os
import subprocess
import sys

import pytest

from tests.unit.compute.building import make_directory, make_launch


@pytest.fixture
def layout(tmp_path):
    return make_directory(tmp_path)


@pytest.fixture
def run(layout, tmp_path):
    def call(source):
        (tmp_path / "lesson.py").write_text(source)
        env = os.environ | make_launch(layout, modules=tmp_path).env
        return subprocess.run(
            [sys.executable, "-m", "pileus.compute.entry", "lesson"],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )

    return call


def result_of(layout):
    return json.loads(layout.result.read_text()) if layout.result.exists() else None


class TestRun:
    def test_a_main_that_returns_has_succeeded(self, layout, run):
        assert run("def main(attempt): print(attempt.job_id)\n").stdout == "job_1\n"
        assert result_of(layout)["status"] == "succeeded"

    def test_what_main_said_of_its_end_stays(self, layout, run):
        process = run("def main(attempt): attempt.fail('bad', 'bad data', 'clean it')\n")

        assert process.returncode == 1
        assert result_of(layout)["error"]["code"] == "bad"

    def test_an_exception_fails_with_its_traceback_in_the_log(self, layout, run):
        process = run("def main(attempt): 1 / 0\n")

        assert process.returncode == 1
        assert "ZeroDivisionError" in process.stderr
        assert result_of(layout)["error"] == {
            "code": "exception",
            "message": "ZeroDivisionError: division by zero",
            "hint": None,
        }

    def test_an_error_of_ours_keeps_its_code_and_hint(self, layout, run):
        run(
            "from pileus.core.errors import NotFound\n"
            "def main(attempt): raise NotFound('no column', hint='name one')\n"
        )

        assert result_of(layout)["error"] == {
            "code": "not_found",
            "message": "no column",
            "hint": "name one",
        }

    def test_a_missing_package_says_which(self, layout, run):
        run("import no_such_package\ndef main(attempt): pass\n")

        assert result_of(layout)["error"]["hint"] == "Install 'no_such_package' on the node."

    @pytest.mark.parametrize("words, code", [("sys.exit(3)", 3), ("sys.exit()", 0)])
    def test_an_exit_code_is_kept(self, layout, run, words, code):
        assert run(f"import sys\ndef main(attempt): {words}\n").returncode == code
        assert result_of(layout) is None

    def test_an_exit_with_words_fails_with_them(self, layout, run):
        process = run("def main(attempt): raise SystemExit('no rows')\n")

        assert process.returncode == 1
        assert result_of(layout)["error"]["message"] == "no rows"

    def test_a_main_that_returns_after_a_request_to_stop_was_preempted(self, layout, run):
        run(
            "import os, signal\n"
            "def main(attempt):\n"
            "    os.kill(os.getpid(), signal.SIGTERM)\n"
            "    assert attempt.stop_requested\n"
        )

        assert result_of(layout)["status"] == "preempted"
