"""The command, as someone with a trace of their own uses it."""

from __future__ import annotations

import json

import pytest

from benchmarks.simulate import main

HEAD = "arrival_seconds,seconds,gpu\n"


@pytest.fixture
def trace(tmp_path):
    path = tmp_path / "jobs.csv"
    path.write_text(HEAD + "100,60,8\n110,60,8\n120,60,16\n")
    return path


class TestMain:
    def test_a_trace_of_ones_own(self, trace, capsys) -> None:
        main(["--json", "--trace", str(trace), "--nodes", "1"])

        found = json.loads(capsys.readouterr().out)
        assert (found["jobs"], found["left_out"], found["violations"]) == (2, 1, 0)
        assert (found["makespan"], found["mean_wait"], found["gpus"]) == (120, 25, 8)

    def test_made_up_jobs(self, capsys) -> None:
        main(["--json", "--jobs", "30", "--nodes", "3", "--order", "submission"])

        assert json.loads(capsys.readouterr().out)["order"] == "submission"

    @pytest.mark.parametrize(
        "options, says",
        [
            (["--node", "8:8:2", "--nodes", "1"], "No job fits the idle pool: give more"),
            (["--node", "8:8:0", "--nodes", "1"], "give nodes with GPUs"),
        ],
    )
    def test_a_pool_that_does_not_do(self, trace, options, says) -> None:
        with pytest.raises(SystemExit, match=says):
            main(["--trace", str(trace), *options])

    def test_a_bad_line(self, trace) -> None:
        trace.write_text(HEAD + "0,never,1\n")

        with pytest.raises(SystemExit, match=r"jobs\.csv, line 2: seconds = 'never'"):
            main(["--trace", str(trace)])

    @pytest.mark.parametrize(
        "options, says",
        [
            (["--trace", "filly"], "'filly' is none of openb, philly"),
            (["--nodes", "0"], "no whole number"),
            (["--load", "nan"], "'nan' is no number from"),
            (["--node", "64"], "such as 64:512:8"),
        ],
    )
    def test_a_bad_option(self, options, says, capsys) -> None:
        with pytest.raises(SystemExit):
            main(options)
        assert says in capsys.readouterr().err

    def test_a_trace_that_is_not_there(self, tmp_path) -> None:
        with pytest.raises(SystemExit, match=r"is missing\. Fetch"):
            main(["--trace", "gavel", "--folder", str(tmp_path)])
