import csv
import io
import json

import pytest

from pileus.data.load import open_version
from pileus.data.manifest import read_manifest
from tests.unit.data.build import class_folder
from tests.unit.data.clean.building import Job, folder, table

PEOPLE = "age,city,label\n" + "".join(
    f"{'' if row % 20 == 5 else row},{('Rome', 'Bonn')[row % 2]},{'ny'[row // 2 % 2]}\n"
    for row in range(80)
)
STEPS = [
    {"step": "drop_duplicates"},
    {"step": "split", "how": "grouped", "by": "age"},
    {"step": "impute"},
    {"step": "normalise"},
]


@pytest.fixture
def people(tmp_path):
    return table(tmp_path / "people", PEOPLE)


class TestMain:
    def test_it_leaves_a_whole_version_and_a_report(self, tmp_path, people):
        steps = [STEPS[0], *STEPS[2:]]
        job = Job(tmp_path / "job", people, {"seed": 3, "steps": steps})

        result = job.run()

        version = open_version(job.directory / "out" / "version")
        version.table("train")
        report = json.loads(job.artifact("report.json"))
        assert result["status"] == "succeeded"
        assert result["summary"]["version"] == report["version"] == version.manifest.id
        assert version.manifest.source == f"dataset:{people.manifest.id}"
        assert [step["rows_out"] for step in report["steps"]] == [77, 77, 77]
        assert version.manifest.transform == {
            "source": people.manifest.id,
            "seed": 3,
            "steps": [
                entry["step"] | ({"fitted": entry["fitted"]} if entry["fitted"] else {})
                for entry in report["steps"]
            ],
        }
        assert not list(job.directory.glob("clean-*"))

    def test_the_same_spec_of_the_same_source_is_the_same_version(self, tmp_path, people):
        transform = {"seed": 3, "steps": [{"step": "drop_missing"}, *STEPS]}
        first, second = (Job(tmp_path / name, people, transform) for name in ("a", "b"))

        assert first.run() == second.run()
        assert first.artifact("version/manifest.json") == second.artifact("version/manifest.json")

    def test_a_dry_run_reports_and_makes_no_version(self, tmp_path, people):
        job = Job(tmp_path / "job", people, {"steps": [{"step": "impute"}]}, dry_run=True)

        result = job.run()

        report = json.loads(job.artifact("report.json"))
        assert result["status"] == "succeeded"
        assert (report["steps"][0]["changed"], report["version"]) == (4, None)
        assert not (job.directory / "out" / "version").exists()

    def test_a_violated_expectation_leaves_the_rows_and_no_version(self, tmp_path, people):
        expect = {"columns": {"age": {"max": 70, "not_null": True}, "city": {"allowed": ["Rome"]}}}
        job = Job(tmp_path / "job", people, {"expect": expect})

        result = job.run()

        error = result["error"]
        failing = list(csv.DictReader(io.StringIO(job.artifact("failing.csv"))))
        assert (result["status"], error["code"]) == ("failed", "expectation_violated")
        assert "'age' is at most 70: fails for 9 rows, first row" in error["message"]
        assert "'age' is not null: fails for 4 rows" in error["message"]
        assert "pileus job artifacts job_1 --download" in error["hint"]
        assert {row["city"] for row in failing if "city" in row["expectation"]} == {"Bonn"}
        assert sum("at most" in row["expectation"] for row in failing) == 9
        assert job.artifact("version/manifest.json") is None
        assert len(json.loads(job.artifact("report.json"))["violations"]) == 3

    def test_a_step_that_does_not_suit_fails_with_a_hint_and_no_traceback(
        self, tmp_path, people, capsys
    ):
        job = Job(tmp_path / "job", people, {"steps": [{"step": "impute", "columns": ["nope"]}]})

        error = job.run()["error"]

        assert error["message"] == "There is no column 'nope'"
        assert error["hint"] == "Columns: 'age', 'city', 'label'."
        assert "Traceback" not in capsys.readouterr().err

    def test_half_a_version_is_not_left_behind(self, tmp_path, people):
        steps = [{"step": "drop_classes", "classes": ["n"]}]
        job = Job(tmp_path / "job", people, {"steps": steps})

        assert job.run()["error"]["code"] == "classes_too_few"
        assert not (job.directory / "out" / "version").exists()

    def test_one_that_is_asked_to_stop_ends_as_preempted(self, tmp_path, people):
        job = Job(tmp_path / "job", people, {"steps": [{"step": "impute"}]})
        job.attempt.request_stop()

        assert job.run()["status"] == "preempted"
        assert job.artifact("version/manifest.json") is None

    def test_parameters_of_somebody_else_are_refused(self, tmp_path, people):
        error = Job(tmp_path / "job", people, {"steps": [{"step": "shuffle"}]}).run()["error"]

        assert error["code"] == "step_refused"

    def test_images_become_a_version_too(self, tmp_path):
        version = folder(tmp_path, class_folder(tmp_path / "pets", {"cat": 10, "dog": 10}))
        steps = [{"step": "grey"}, {"step": "resize", "width": 4, "height": 4}]
        job = Job(
            tmp_path / "job", version, {"steps": steps, "expect": {"images": {"modes": ["L"]}}}
        )

        result = job.run()

        manifest = read_manifest(job.artifact("version/manifest.json").encode())
        assert result["status"] == "succeeded"
        assert manifest.image.sizes == ((4, 4, 20),)
        assert manifest.rows == version.manifest.rows
        assert manifest.split == version.manifest.split
