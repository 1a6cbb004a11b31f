import io
import json

import httpx
import pytest

from pileus.cli.cleaning import (
    SpecUnreadable,
    completed,
    expectations_of,
    read_spec,
    run,
    size_of,
)
from pileus.cli.following import JobDidNotSucceed
from pileus.cli.session import Session
from pileus.core.errors import InvalidRequest
from pileus.core.schemas.transform import Transform
from pileus.sdk import Client

TOML = """
seed = 3
[[steps]]
step = "map_labels"
labels = { Yes = "yes" }
[expect.columns.age]
max = 120
"""


class TestReadSpec:
    def test_toml_and_json_say_the_same(self, tmp_path):
        toml, other = tmp_path / "a.toml", tmp_path / "b.txt"
        toml.write_text(TOML)
        other.write_text(json.dumps(read_spec(str(toml))))

        assert read_spec(str(other)) == read_spec(str(toml))
        assert Transform.model_validate(read_spec(str(toml))).seed == 3

    def test_it_may_come_by_a_pipe(self, monkeypatch):
        monkeypatch.setattr("sys.stdin", io.StringIO(TOML))

        assert read_spec("-")["seed"] == 3

    @pytest.mark.parametrize(
        "text", [b"steps = [", b"{]", b"when = 2026-01-31", b"seed = nan", b"\xff"]
    )
    def test_what_is_no_spec_is_named(self, tmp_path, text):
        path = tmp_path / "spec.toml"
        path.write_bytes(text)

        with pytest.raises(SpecUnreadable, match=r"spec\.toml"):
            read_spec(str(path))

    def test_a_file_that_is_not_there_is_named(self):
        with pytest.raises(SpecUnreadable, match=r"'nowhere\.toml' cannot be read: No such file"):
            read_spec("nowhere.toml")


class TestCompleted:
    def test_steps_of_options_come_after_those_of_the_spec(self):
        spec = {"steps": [{"step": "grey"}], "seed": 1}

        made = completed(spec, [{"step": "drop_duplicates"}], 5)

        assert made == {"seed": 5, "steps": [{"step": "grey"}, {"step": "drop_duplicates"}]}

    def test_nothing_to_do_and_steps_that_are_no_list_are_refused(self):
        with pytest.raises(InvalidRequest, match="nothing to do"):
            completed({}, [], None)
        with pytest.raises(InvalidRequest, match="not a list"):
            completed({"steps": "grey"}, [], None)


class TestExpectationsOf:
    def test_steps_are_left_out(self):
        assert expectations_of({"steps": [], "expect": {"min_rows": 1}}) == {
            "expect": {"min_rows": 1}
        }

    def test_without_any_there_is_nothing_to_check(self):
        with pytest.raises(InvalidRequest, match="expects nothing"):
            expectations_of({"steps": [{"step": "grey"}]})


class TestSizeOf:
    def test_it_is_width_by_height(self):
        assert size_of("32x24") == {"width": 32, "height": 24}
        with pytest.raises(InvalidRequest, match="'32' is not a size"):
            size_of("32")


def session_of(job, version):
    report = {"steps": [{"step": {"step": "grey"}, "rows_in": 5, "rows_out": 4, "changed": 3}]}

    def answer(request):
        path = request.url.path
        if path.endswith("/report.json"):
            return httpx.Response(200, json=report)
        if path.endswith("/logs"):
            headers = {"Pileus-Next-Offset": "0", "Pileus-Final": "true"}
            return httpx.Response(200, content=b"", headers=headers)
        if path.endswith("/versions"):
            return httpx.Response(200, json={"items": [version], "next": None})
        return httpx.Response(200, json=job)

    made = Session()
    made.__dict__["client"] = Client(
        "http://pileus.test", "plt_x", transport=httpx.MockTransport(answer)
    )
    return made


def job_of(status="succeeded", **summary):
    spec = {"into": "d", "transform": {"steps": [], "expect": {"min_rows": 1}}}
    return {"id": "job_1", "status": status, "summary": summary, "spec": spec, "reason": "Why"}


class TestRun:
    @pytest.mark.parametrize("made_by,said", [("job_1", "d@2 is"), ("job_0", "already that is")])
    def test_it_says_what_each_step_did_and_which_version_it_is(self, capsys, made_by, said):
        version = {"id": "dsv_1", "number": 2, "job": made_by}

        run(session_of(job_of(version="dsv_1"), version), "d", {}, detach=False)

        out = capsys.readouterr().out
        assert ["grey", "5", "4", "3"] in [line.split() for line in out.splitlines()]
        assert "All expectations hold" in out
        assert f"{said} dsv_1" in out

    def test_a_dry_run_says_that_it_made_none(self, capsys):
        run(session_of(job_of(), {}), "d", {}, detach=False)

        assert "No version was made" in capsys.readouterr().out

    def test_a_job_that_failed_is_an_error_with_its_reason(self):
        with pytest.raises(JobDidNotSucceed, match="Why"):
            run(session_of(job_of("failed"), {}), "d", {}, detach=False)

    def test_detached_it_says_the_id(self, capsys):
        run(session_of(job_of("queued"), {}), "d", {}, detach=True)

        assert capsys.readouterr().out.strip() == "job_1"
