import pytest
import torch
from torch import nn

from pileus.training.catalogue import configure
from pileus.training.checkpoint import Checkpoints
from pileus.training.errors import TrainingDiverged
from pileus.training.plan import complete
from pileus.training.reporting import Reporter
from pileus.training.trainer import Rows, Trainer


class Silent:
    def log_metric(self, name, value, step):
        pass


def make_trainer(tmp_path, *, stop=lambda: False, checkpoint_seconds=3600.0, **config):
    torch.manual_seed(0)
    features = torch.randn(96, 4)
    targets = (features[:, 0] > 0).long()
    network = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
    return Trainer(
        network,
        complete(configure("mlp", {"epochs": 4, "batch_size": 10, **config}), 64),
        Rows(features[:64], targets[:64]),
        Rows(features[64:], targets[64:]),
        checkpoints=Checkpoints(tmp_path / "out", tmp_path / "inputs", "one"),
        checkpoint_seconds=checkpoint_seconds,
        reporter=Reporter(Silent(), 4),
        stop_requested=stop,
    ), network


class TestTrainer:
    def test_the_weights_of_the_best_epoch_are_restored(self, tmp_path):
        trainer, _ = make_trainer(tmp_path, epochs=20, learning_rate=1.0, seed=3)

        trainer.fit()

        losses = [metrics["validation_loss"] for metrics in trainer.standing.history]
        assert min(losses) < losses[-1]
        assert trainer.standing.best_epoch == losses.index(min(losses)) + 1
        assert trainer._validate()[0] == pytest.approx(min(losses))

    def test_training_stops_when_the_validation_no_longer_improves(self, tmp_path):
        trainer, _ = make_trainer(tmp_path, epochs=200, learning_rate=1.0, patience=3)

        trainer.fit()

        assert trainer.standing.epoch == trainer.standing.best_epoch + 3 < 200

    @pytest.mark.parametrize("optimizer", ["adam", "sgd"])
    @pytest.mark.parametrize("steps", [1, 7, 16])
    def test_interrupted_and_resumed_equals_uninterrupted(self, tmp_path, optimizer, steps):
        whole, expected = make_trainer(tmp_path / "whole", optimizer=optimizer)
        whole.fit()
        asked = iter(range(1000))
        first, _ = make_trainer(
            tmp_path / "first", optimizer=optimizer, stop=lambda: next(asked) >= steps
        )

        assert not first.fit()
        (tmp_path / "second").mkdir()
        (tmp_path / "second" / "inputs").symlink_to(tmp_path / "first" / "out")
        torch.manual_seed(99)
        second, network = make_trainer(tmp_path / "second", optimizer=optimizer)
        assert second.fit()

        for name, value in expected.state_dict().items():
            assert torch.equal(value, network.state_dict()[name])
        assert [one["train_loss"] for one in second.standing.history] == [
            one["train_loss"] for one in whole.standing.history
        ]

    def test_a_kill_loses_what_came_after_the_last_checkpoint_only(self, tmp_path):
        whole, expected = make_trainer(tmp_path / "whole")
        whole.fit()
        asked = iter(range(1000))

        def die_at_ten():
            if next(asked) == 10:
                raise KeyboardInterrupt
            return False

        killed, _ = make_trainer(tmp_path / "killed", stop=die_at_ten, checkpoint_seconds=0)
        with pytest.raises(KeyboardInterrupt):
            killed.fit()
        (tmp_path / "next").mkdir()
        (tmp_path / "next" / "inputs").symlink_to(tmp_path / "killed" / "out")
        resumed, network = make_trainer(tmp_path / "next")
        resumed._resume()
        assert (resumed.standing.epoch, resumed.standing.batch) == (1, 3)

        resumed.fit()

        for name, value in expected.state_dict().items():
            assert torch.equal(value, network.state_dict()[name])

    def test_a_loss_that_is_no_number_ends_it_with_a_hint(self, tmp_path):
        trainer, network = make_trainer(tmp_path)
        with torch.no_grad():
            network[0].weight[0, 0] = float("nan")

        with pytest.raises(TrainingDiverged, match="training loss is nan in epoch 1") as caught:
            trainer.fit()

        assert "--learning-rate 0.0003" in str(caught.value.hint)

    def test_the_same_seed_gives_the_same_weights(self, tmp_path):
        first, one = make_trainer(tmp_path / "a")
        first.fit()
        second, two = make_trainer(tmp_path / "b")
        second.fit()

        assert all(
            torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True)
        )
