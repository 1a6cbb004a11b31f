import json

import numpy as np
import onnx
import onnxruntime
import pytest

from pileus.data.load import open_version
from pileus.inference.bundle import read_bundle
from pileus.training.main import main
from tests.unit.data.clean.building import Cleaned


def load(path):
    return json.loads(path.read_text(encoding="utf-8"))


class TestMain:
    def test_images_become_a_bundle_with_evaluation_parity_and_pictures(self, start, bars):
        attempt = start(bars, "cnn", epochs=6)

        main(attempt)

        status, summary = attempt.result
        assert status == "succeeded"
        assert summary["accuracy"] == 1.0
        assert summary["train_rows"] + summary["validation_rows"] == 80
        assert {path.relative_to(attempt.out).as_posix() for path in attempt.out.rglob("*.*")} == {
            "bundle/bundle.json",
            "bundle/model.onnx",
            "confusion.png",
            "evaluation.json",
            "loss.png",
            "parity.json",
        }
        parity = load(attempt.out / "parity.json")
        assert parity["passed"]
        assert parity["rows"] == load(attempt.out / "evaluation.json")["rows"] == 20
        assert parity["single_rows"] == 20

    def test_the_graph_takes_images_of_any_size(self, start, bars):
        attempt = start(bars, "logistic-regression", epochs=4)

        main(attempt)

        bundle = read_bundle(attempt.out / "bundle")
        assert bundle.inputs[0].shape == (-1, -1, -1, 1)
        assert bundle.classes == ("left", "right")
        session = onnxruntime.InferenceSession(attempt.out / "bundle" / bundle.graph)
        image = np.zeros((3, 60, 41, 1), dtype=np.uint8)
        image[:, :, 21:] = 200
        probabilities, index = session.run(None, {"image": image})
        assert probabilities.shape == (3, 2)
        assert index.tolist() == [1, 1, 1]

    def test_a_table_is_prepared_inside_its_graph(self, start, fruit):
        attempt = start(fruit, "mlp", epochs=10)

        main(attempt)

        assert attempt.result[1]["accuracy"] > 0.95
        bundle = read_bundle(attempt.out / "bundle")
        assert [column.name for column in bundle.inputs[0].columns or ()] == [
            "weight",
            "noise",
            "colour",
        ]
        session = onnxruntime.InferenceSession(attempt.out / "bundle" / bundle.graph)
        rows = np.array([[60, np.nan, 2], [150, 0, 1], [np.nan, np.nan, -1]], dtype=np.float32)
        probabilities, index = session.run(None, {"features": rows})
        assert index.tolist()[:2] == [1, 0]
        assert np.isfinite(probabilities).all()

    def test_a_number_is_predicted_in_its_own_unit(self, start, rent):
        attempt = start(rent, "mlp", epochs=30, dropout=0)

        main(attempt)

        status, summary = attempt.result
        assert status == "succeeded"
        assert summary["r2"] > 0.9
        assert summary["parity_passed"]
        assert "confusion.png" not in {path.name for path in attempt.out.iterdir()}
        session = onnxruntime.InferenceSession(attempt.out / "bundle" / "model.onnx")
        (value,) = session.run(None, {"features": np.array([[70]], dtype=np.float32)})
        assert value.shape == (1, 1)
        assert abs(value[0, 0] - 19_500) < 1_500

    def test_the_graph_is_one_file_of_opset_20(self, start, fruit):
        attempt = start(fruit, "logistic-regression", epochs=1)

        main(attempt)

        graph = onnx.load(attempt.out / "bundle" / "model.onnx", load_external_data=False)
        assert {entry.domain: entry.version for entry in graph.opset_import}[""] == 20
        assert not any(tensor.external_data for tensor in graph.graph.initializer)

    def test_each_epoch_reports_its_metrics(self, start, bars):
        attempt = start(bars, "logistic-regression", epochs=3)

        main(attempt)

        names = {name for name, _, step in attempt.metrics if step == 3}
        assert names >= {
            "train_loss",
            "validation_loss",
            "validation_accuracy",
            "epoch_seconds",
            "images_per_second",
        }
        progress = [value for name, value, _ in attempt.metrics if name == "progress"]
        assert progress == sorted(progress)
        assert progress[-1] == 1.0

    def test_stopped_and_started_again_it_ends_as_if_nothing_had_been(self, start, bars):
        whole = start(bars, "cnn", "whole", epochs=5, batch_size=16)
        main(whole)
        first = start(bars, "cnn", "first", epochs=5, batch_size=16)
        first.stop_after = 12

        main(first)
        second = start(bars, "cnn", "second", epochs=5, batch_size=16)
        (second.inputs / "checkpoint").symlink_to(first.out / "checkpoint")
        main(second)

        assert first.result == ("preempted", {})
        assert losses(second) == losses(whole, since=3)
        assert second.result == whole.result
        assert weights(whole) == weights(second)
        assert not (second.out / "checkpoint").exists()

    @pytest.mark.parametrize(
        "version,recipe,config,words",
        [
            ("fruit", "cnn", {}, ["'cnn' learns from images", "--recipe mlp"]),
            ("rent", "logistic-regression", {}, ["label 'rent' is a number", "--recipe mlp"]),
            ("fruit", "mlp", {"image_size": 32}, ["'image_size' is 32", "Leave"]),
            ("fruit", "forest", {}, ["no recipe 'forest'", "cnn, logistic-regression, mlp"]),
            ("fruit", "mlp", {"epoch": 3}, ["no parameter 'epoch'", "'epochs'"]),
            (
                "rent",
                "mlp",
                {"optimizer": "sgd", "learning_rate": 100, "epochs": 3},
                ["loss is", "learning rate 100", "--learning-rate 10"],
            ),
        ],
    )
    def test_what_the_owner_can_put_right_fails_with_a_hint(
        self, request, start, version, recipe, config, words
    ):
        attempt = start(request.getfixturevalue(version), recipe, **config)

        main(attempt)

        status, error = attempt.result
        assert status == "failed"
        for word in words:
            assert word in f"{error['message']} {error['hint']}"


def losses(attempt, since=0):
    wanted = {"train_loss", "validation_loss", "validation_accuracy"}
    return [
        (name, value, step)
        for name, value, step in attempt.metrics
        if name in wanted and step >= since
    ]


def weights(attempt):
    graph = onnx.load(attempt.out / "bundle" / "model.onnx")
    return sorted(tensor.raw_data for tensor in graph.graph.initializer)


class TestCleaned:
    def test_a_model_takes_rows_as_they_were_before_cleaning(self, start, fruit, tmp_path):
        steps = [{"step": "impute", "using": "mean"}, {"step": "clip"}, {"step": "normalise"}]
        made = Cleaned(tmp_path / "made", open_version(fruit), steps)
        attempt = start(made.out / "version", "logistic-regression", epochs=60)

        main(attempt)

        assert attempt.result[0] == "succeeded"
        assert attempt.result[1]["accuracy"] > 0.9
        assert attempt.result[1]["parity_passed"]
        session = onnxruntime.InferenceSession(attempt.out / "bundle" / "model.onnx")
        raw = open_version(fruit).table("untouched")
        _, classes = session.run(None, {"features": raw.features})
        assert (classes == raw.target).mean() > 0.9
        bundle = json.loads((attempt.out / "bundle" / "bundle.json").read_text())
        prepared = bundle["inputs"][0]["columns"][0]["prepared"]
        assert [change["do"] for change in prepared] == ["fill", "clip", "scale"]
