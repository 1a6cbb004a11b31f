"""The main job, from raw data to a prediction that can be traced and is on the bill."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import Digits
from tests.e2e.installation import Installation, epochs_in, until


def quantity(installation: Installation, resource: str) -> int:
    """How much of a resource is on the bill."""
    with installation.client() as client:
        lines = client.bill.invoice()["lines"]
    return sum(line["quantity"] for line in lines if line["resource"] == resource)


def predict(installation: Installation, endpoint: str, file: Any) -> dict[str, Any]:
    """An answer, once it has reached the bill."""
    before = quantity(installation, "prediction")
    answer: dict[str, Any] = installation.cli("predict", endpoint, str(file))
    rows = answer["outputs"][0]["shape"][0]
    until(lambda: quantity(installation, "prediction") >= before + rows, seconds=10)
    return answer


def lineage_of(installation: Installation, answer: dict[str, Any]) -> list[dict[str, Any]]:
    identifier = answer["parameters"]["prediction_id"]

    def found() -> Any:
        done = installation.run("lineage", identifier, "--json")
        return json.loads(done.stdout) if done.returncode == 0 else None

    steps: list[dict[str, Any]] = until(found, seconds=10)["steps"]
    return steps


def outputs_of(answer: dict[str, Any]) -> dict[str, Any]:
    return {output["name"]: output for output in answer["outputs"]}


def artifacts_of(installation: Installation, job: str) -> dict[str, bytes]:
    into = installation.directory / f"artifacts-{job}"
    listed = installation.cli("job", "artifacts", job, "--download", str(into))
    return {one["path"]: (into / one["path"]).read_bytes() for one in listed}


@dataclass(frozen=True)
class Answered:
    """A prediction that has reached the bill, and where it came from."""

    answer: dict[str, Any]
    steps: list[dict[str, Any]]

    @property
    def id(self) -> str:
        return str(self.answer["parameters"]["prediction_id"])


@pytest.fixture(scope="module")
def answered(calm: Installation, digits: Digits) -> Answered:
    answer = predict(calm, "digits", digits.image)
    return Answered(answer, lineage_of(calm, answer))


class TestImages:
    def test_a_training_leaves_its_evaluation_and_its_pictures(
        self, calm: Installation, digits: Digits
    ) -> None:
        left = artifacts_of(calm, digits.job["id"])

        evaluation = json.loads(left["evaluation.json"])
        assert evaluation["split"] == "untouched"
        assert evaluation["rows"] == digits.version["rows_untouched"]
        assert evaluation["accuracy"] == digits.job["summary"]["accuracy"]
        assert sum(map(sum, evaluation["confusion"])) == evaluation["rows"]
        right = sum(row[i] for i, row in enumerate(evaluation["confusion"]))
        assert right / evaluation["rows"] == pytest.approx(evaluation["accuracy"])
        for name in ("confusion.png", "loss.png"):
            with Image.open(io.BytesIO(left[name])) as picture:
                picture.load()
                assert picture.format == "PNG"
                assert min(picture.size) > 100
                assert len(picture.convert("L").getcolors(1 << 16) or ()) > 2, "a blank picture"
        assert json.loads(left["parity.json"])["passed"] is True
        assert {"bundle/bundle.json", "bundle/model.onnx"} <= left.keys()

    def test_logs_and_metrics_tell_of_each_epoch(self, calm: Installation, digits: Digits) -> None:
        metrics = {row["name"]: row for row in calm.cli("job", "metrics", digits.job["id"])}

        assert epochs_in(calm.log(digits.job["id"])) == [1, 2, 3]
        assert metrics["train_loss"]["count"] == 3
        assert metrics["progress"]["last"] == 1.0

    def test_a_prediction_names_everything_that_it_came_from(
        self, calm: Installation, digits: Digits, answered: Answered
    ) -> None:
        outputs = outputs_of(answered.answer)
        assert outputs["label"]["data"][0] in set("0123456789")
        assert sum(outputs["probabilities"]["data"]) == pytest.approx(1.0, abs=1e-4)
        steps = {step["noun"]: step for step in answered.steps}
        assert list(steps) == ["prediction", "revision", "model_version", "job", "dataset_version"]
        assert steps["prediction"]["id"] == answered.id
        assert steps["prediction"]["outcome"] == "ok"
        assert steps["prediction"]["price"] == {"micro": 100_000, "exponent": 6}
        assert steps["revision"]["id"] == digits.endpoint["revision"]
        assert steps["revision"]["endpoint"] == "digits"
        model = calm.cli("model", "show", "digits:1")
        assert steps["model_version"]["id"] == model["id"] == steps["prediction"]["model_version"]
        assert steps["model_version"]["evaluation"]["accuracy"] == model["evaluation"]["accuracy"]
        assert steps["job"]["id"] == digits.job["id"]
        assert steps["job"]["code_digest"] == digits.job["code_digest"] == model["code_digest"]
        assert len(steps["job"]["code_digest"]) == 64
        assert steps["dataset_version"]["id"] == digits.version["id"]
        assert steps["dataset_version"]["source"] == "sample:digits"
        who = {steps[noun]["created_by"] for noun in ("revision", "model_version")}
        assert who == {"owner"}
        assert steps["job"]["submitted_by"] == "owner"
        with calm.client() as client:
            assert steps["prediction"]["principal"] == client.me()["principal"]

    def test_the_lineage_reads_well(
        self, calm: Installation, digits: Digits, answered: Answered
    ) -> None:
        text = calm.cli("lineage", answered.id, json=False)

        for part in ("digits:1", "train cnn", "sample:digits", "by owner", digits.version["id"]):
            assert part in text

    @pytest.mark.usefixtures("answered")
    def test_the_bill_is_the_sum_of_the_ledger(self, calm: Installation) -> None:
        with calm.client() as client:
            before, entries, after = (
                client.bill.invoice(),
                list(client.bill.ledger()),
                client.bill.invoice(),
            )

        assert before == after, "the bill grew while it was read"
        assert before["total_micro"] == sum(entry["amount_micro"] for entry in entries)
        assert before["total_micro"] > 0
        for line in before["lines"]:
            own = [entry for entry in entries if entry["resource"] == line["resource"]]
            assert line["entries"] == len(own)
            assert line["quantity"] == sum(entry["quantity"] for entry in own)
            assert line["amount_micro"] == sum(entry["amount_micro"] for entry in own)

    def test_the_cost_of_the_job_in_its_lineage_is_what_the_ledger_has_for_it(
        self, calm: Installation, digits: Digits
    ) -> None:
        [job, *_] = calm.cli("lineage", digits.job["id"])["steps"]

        with calm.client() as client:
            entries = [e for e in client.bill.ledger() if digits.job["id"] in e.values()]

        assert entries
        assert job["cost_micro"] == sum(entry["amount_micro"] for entry in entries)

    def test_why_says_how_each_thing_came_to_its_state(
        self, calm: Installation, digits: Digits, answered: Answered
    ) -> None:
        states = {
            calm.cli("why", identifier)["state"]
            for identifier in (digits.job["id"], digits.version["id"], answered.id)
        }

        assert states == {"succeeded", "exists", "answered"}

    def test_a_failure_names_its_reason_and_the_next_step(self, calm: Installation) -> None:
        done = calm.run("run", "--json", "--", "python", "-c", "import sys; sys.exit(3)")

        job = calm.cli("job", "list")[0]
        why = calm.cli("why", job["id"])
        assert done.returncode != 0
        assert (why["state"], why["reason"]) == ("failed", "Exited with code 3")
        assert job["id"] in why["hint"]


class TestTables:
    def test_from_a_csv_of_measurements_to_a_diagnosis(self, calm: Installation) -> None:
        version = calm.cli("dataset", "create", "cancer", "sample:breast-cancer")
        job = calm.cli("train", "cancer", "--recipe", "logistic-regression", "--register", "cancer")
        calm.cli("endpoint", "create", "cancer", "--model", "cancer:1")
        file, labels = untouched_rows(calm, version, rows=20)

        answer = predict(calm, "cancer", file)

        said = outputs_of(answer)["label"]["data"]
        assert sum(a == b for a, b in zip(said, labels, strict=True)) >= 18
        assert job["summary"]["accuracy"] > 0.93
        assert "confusion.png" in artifacts_of(calm, job["id"])
        steps = lineage_of(calm, answer)
        assert [step["id"] for step in steps[-2:]] == [job["id"], version["id"]]
        assert steps[0]["rows"] == 20

    def test_a_number_is_predicted_by_regression(self, calm: Installation) -> None:
        version = calm.cli("dataset", "create", "diabetes", "sample:diabetes")
        job = calm.cli("train", "diabetes", "--recipe", "mlp", "--register", "diabetes")
        calm.cli("endpoint", "create", "diabetes", "--model", "diabetes:1")
        file, truths = untouched_rows(calm, version, rows=40)

        answer = predict(calm, "diabetes", file)

        values = outputs_of(answer)["value"]["data"]
        mean = sum(map(float, truths)) / len(truths)
        missed = sum((v - float(t)) ** 2 for v, t in zip(values, truths, strict=True))
        assert missed < sum((mean - float(t)) ** 2 for t in truths), "worse than the mean"
        evaluation = json.loads(artifacts_of(calm, job["id"])["evaluation.json"])
        assert {"mae", "rmse", "r2"} <= evaluation.keys()
        assert evaluation["r2"] > 0.25
        assert lineage_of(calm, answer)[-1]["id"] == version["id"]


def untouched_rows(
    installation: Installation, version: dict[str, Any], rows: int
) -> tuple[Any, list[str]]:
    """A CSV file of rows that no training has read, without their labels, and the labels."""
    with installation.client() as client:
        manifest = json.loads(client.blobs.get(version["manifest"]))
        item = next(item for item in manifest["items"] if item[4] == "untouched")
        _, _, _, size, _, pack, offset = item
        content = client.blobs.get(manifest["packs"][pack]["digest"])[offset : offset + size]
    lines = [line.rsplit(",", 1) for line in content.decode("utf-8").splitlines()]
    assert lines[0][1] == version["info"]["label"]
    file = installation.directory / f"{version['dataset']}.csv"
    file.write_text("".join(f"{features}\n" for features, _ in lines[: rows + 1]), "utf-8")
    return file, [label for _, label in lines[1 : rows + 1]]
