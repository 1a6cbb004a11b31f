import numpy as np
import pytest
from sklearn import metrics

from pileus.training.evaluate import evaluate_classes, evaluate_values


class TestEvaluateClasses:
    @pytest.mark.parametrize("classes", [2, 3, 7])
    def test_it_agrees_with_scikit_learn(self, classes):
        random = np.random.default_rng(classes)
        targets = random.integers(0, classes, 200)
        raw = random.random((200, classes)).astype(np.float32)
        raw[np.arange(200), targets] += 0.5
        probabilities = raw / raw.sum(axis=1, keepdims=True)
        predicted = probabilities.argmax(axis=1)

        found = evaluate_classes(probabilities, targets, [str(one) for one in range(classes)])

        assert found["rows"] == 200
        assert found["confusion"] == metrics.confusion_matrix(targets, predicted).tolist()
        assert found["accuracy"] == pytest.approx(metrics.accuracy_score(targets, predicted))
        for name, score in (
            ("precision_macro", metrics.precision_score),
            ("recall_macro", metrics.recall_score),
            ("f1_macro", metrics.f1_score),
        ):
            assert found[name] == pytest.approx(score(targets, predicted, average="macro"))
        assert found["loss"] == pytest.approx(metrics.log_loss(targets, probabilities), rel=1e-5)

    def test_a_class_never_predicted_counts_as_zero_and_an_absent_one_not_at_all(self):
        targets = np.array([0, 0, 1, 1])
        probabilities = np.array([[0.9, 0.1, 0.0]] * 4, dtype=np.float32)

        found = evaluate_classes(probabilities, targets, ["a", "b", "c"])

        predicted = [0] * 4
        expected = metrics.precision_score(targets, predicted, average="macro", zero_division=0)
        assert found["precision_macro"] == pytest.approx(expected)
        assert found["recall_macro"] == pytest.approx(0.5)
        assert np.array(found["confusion"]).shape == (3, 3)

    def test_a_probability_of_zero_has_a_finite_loss(self):
        found = evaluate_classes(
            np.array([[0.0, 1.0]], dtype=np.float32), np.array([0]), ["a", "b"]
        )

        assert np.isfinite(found["loss"])


class TestEvaluateValues:
    def test_it_agrees_with_scikit_learn(self):
        random = np.random.default_rng(0)
        targets = random.normal(100, 20, 50).astype(np.float32)
        values = (targets + random.normal(0, 5, 50)).astype(np.float32).reshape(-1, 1)

        found = evaluate_values(values, targets)

        assert found["mae"] == pytest.approx(metrics.mean_absolute_error(targets, values), rel=1e-5)
        assert found["rmse"] == pytest.approx(
            metrics.root_mean_squared_error(targets, values), rel=1e-5
        )
        assert found["r2"] == pytest.approx(metrics.r2_score(targets, values), rel=1e-5)

    def test_targets_that_are_all_alike_have_no_r2(self):
        found = evaluate_values(np.ones((2, 1), np.float32), np.ones(2, np.float32))

        assert found["r2"] is None
