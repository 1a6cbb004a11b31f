"""
The training loop: epochs of steps, a validation after each, the best weights at the end.

Knows tensors; where they come from and where the model goes is others' business. Stopped at any
step and started again from a checkpoint, it goes on as if nothing had been.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from pileus.training import augmentation, schedule
from pileus.training.checkpoint import Checkpoints, State
from pileus.training.config import TrainingConfig
from pileus.training.errors import TrainingDiverged
from pileus.training.plan import chosen
from pileus.training.reporting import Reporter

_VALIDATION_BATCH = 512
_LOOK_EVERY = 16
"""Steps between two looks at the loss: a look waits for a GPU."""

_PROGRESS_SECONDS = 0.5


@dataclass(frozen=True)
class Rows:
    """Features and targets, on the device that computes."""

    features: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass
class Standing:
    """How far a training has come; all of it is in a checkpoint."""

    epoch: int = 0
    """Complete epochs."""

    batch: int = 0
    """Complete batches of the running epoch."""

    loss_sum: float = 0.0
    seconds: float = 0.0
    """Of the running epoch."""

    best_loss: float = math.inf
    best_epoch: int = 0
    """Counted from 1; 0 before the first validation."""

    history: list[dict[str, float]] = field(default_factory=list)
    """Metrics of each complete epoch."""


class Trainer:
    """Fits one network. `config` has no open fields left."""

    def __init__(
        self,
        network: nn.Module,
        config: TrainingConfig,
        fitted: Rows,
        validation: Rows,
        *,
        checkpoints: Checkpoints,
        checkpoint_seconds: float,
        reporter: Reporter,
        stop_requested: Callable[[], bool],
    ) -> None:
        self._config = config
        self._epochs, self._batch_size, self._peak = chosen(config)
        self._fitted, self._validation = fitted, validation
        self._checkpoints, self._checkpoint_seconds = checkpoints, checkpoint_seconds
        self._reporter, self._stop_requested = reporter, stop_requested
        self._device = fitted.targets.device
        self._is_classifier = not fitted.targets.is_floating_point()
        # Channels last, a processor trained on 5,700 images a second of 28x28, else on 3,500.
        convolves = any(isinstance(part, nn.Conv2d) for part in network.modules())
        self._layout = torch.channels_last if convolves else torch.contiguous_format
        self._network = network.to(self._device)
        for parameter in network.parameters():
            if parameter.ndim == 4:
                parameter.data = parameter.data.contiguous(memory_format=self._layout)
        self._loss: nn.Module = (
            nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
            if self._is_classifier
            else nn.MSELoss()
        )
        self._optimizer = _optimizer(network, config, self._peak)
        self._generator = torch.Generator()
        self._standing = Standing()
        self._best: State = {}
        self._steps = math.ceil(len(fitted) / self._batch_size)
        self._saved_at = self._told_at = time.monotonic()

    @property
    def standing(self) -> Standing:
        return self._standing

    def fit(self) -> bool:
        """Train to the end and restore the best weights; False if asked to stop before.

        Raises TrainingDiverged.
        """
        self._resume()
        while not self._is_over():
            if not self._run_epoch():
                self._save()
                return False
            self._close_epoch()
        self._save()  # a kill during the export need not train again
        self._network.load_state_dict(self._best)
        self._network.eval()
        return True

    def _is_over(self) -> bool:
        standing = self._standing
        stale = standing.epoch - standing.best_epoch
        return standing.epoch >= self._epochs or stale >= self._config.patience

    def _run_epoch(self) -> bool:
        standing = self._standing
        order = self._order(standing.epoch)
        self._network.train()
        # The sum stays on the device: asking for it at each step would make a GPU wait.
        total = torch.tensor(standing.loss_sum, dtype=torch.float64, device=self._device)
        before, started = standing.seconds, time.perf_counter()
        for batch in range(standing.batch, self._steps):
            if self._stop_requested():
                standing.loss_sum = total.item()
                return False
            chosen = order[batch * self._batch_size : (batch + 1) * self._batch_size]
            total += self._step(chosen, standing.epoch * self._steps + batch) * len(chosen)
            standing.batch = batch + 1
            standing.seconds = before + time.perf_counter() - started
            if standing.batch % _LOOK_EVERY == 0 or standing.batch == self._steps or self._is_due():
                standing.loss_sum = total.item()
                self._check(standing.loss_sum, "training")
                self._tell()
                if self._is_due():
                    self._save()
        return True

    def _step(self, chosen: Tensor, step: int) -> Tensor:
        """One step of the optimizer; the mean loss of its rows."""
        rate = self._peak * schedule.factor(step, self._epochs * self._steps)
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        features = self._fitted.features[chosen].to(torch.float32)
        if self._config.augmentation == "light" and features.ndim == 4:
            features = augmentation.light(features, self._generator)
        self._optimizer.zero_grad(set_to_none=True)
        loss: Tensor = self._loss(self._scores(features), self._fitted.targets[chosen])
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        return loss.detach()

    def _scores(self, features: Tensor) -> Tensor:
        if features.ndim == 4:
            features = features.contiguous(memory_format=self._layout)
        scores: Tensor = self._network(features)
        return scores

    def _close_epoch(self) -> None:
        """Validate, remember the weights if they are the best, report."""
        standing = self._standing
        loss, accuracy = self._validate()
        self._check(loss, "validation")
        standing.epoch += 1
        metrics = {"train_loss": standing.loss_sum / len(self._fitted), "validation_loss": loss}
        if self._is_classifier:
            metrics["validation_accuracy"] = accuracy
        metrics["epoch_seconds"] = standing.seconds
        unit = "images" if self._fitted.features.ndim == 4 else "rows"
        metrics[f"{unit}_per_second"] = len(self._fitted) / max(standing.seconds, 1e-9)
        standing.history.append(metrics)
        standing.batch, standing.loss_sum, standing.seconds = 0, 0.0, 0.0
        if loss < standing.best_loss:
            standing.best_loss, standing.best_epoch = loss, standing.epoch
            self._best = _copy(self._network.state_dict())
        self._reporter.epoch(standing.epoch, metrics)
        self._tell(now=True)

    @torch.no_grad()
    def _validate(self) -> tuple[float, float]:
        """Mean loss and accuracy over the validation part."""
        self._network.eval()
        total, right = 0.0, 0
        for start in range(0, len(self._validation), _VALIDATION_BATCH):
            part = slice(start, start + _VALIDATION_BATCH)
            targets = self._validation.targets[part]
            scores = self._scores(self._validation.features[part].to(torch.float32))
            total += self._loss(scores, targets).item() * len(targets)
            if self._is_classifier:
                right += int((scores.argmax(dim=1) == targets).sum().item())
        return total / len(self._validation), right / len(self._validation)

    def _order(self, epoch: int) -> Tensor:
        """The rows of an epoch in their random order: a function of seed and epoch alone."""
        generator = torch.Generator().manual_seed(self._config.seed * 1_000_003 + epoch)
        return torch.randperm(len(self._fitted), generator=generator).to(self._device)

    def _check(self, loss: float, part: str) -> None:
        if not math.isfinite(loss):
            epoch = self._standing.epoch + 1
            raise TrainingDiverged(
                f"The {part} loss is {loss!r} in epoch {epoch}, at learning rate {self._peak!r}",
                hint=f"Train with a lower one, such as `--learning-rate {self._peak / 10:g}`.",
            )

    def _tell(self, *, now: bool = False) -> None:
        standing, clock = self._standing, time.monotonic()
        if now or clock - self._told_at >= _PROGRESS_SECONDS:
            self._told_at = clock
            step = standing.epoch * self._steps + standing.batch
            done = 1.0 if self._is_over() else step / (self._epochs * self._steps)
            self._reporter.progress(done, step)

    def _is_due(self) -> bool:
        return time.monotonic() - self._saved_at >= self._checkpoint_seconds

    def _save(self) -> None:
        state: State = {
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "standing": vars(self._standing),
            "best": self._best,
            "random": {"augmentation": self._generator.get_state(), **_random_state(self._device)},
        }
        self._checkpoints.save(state)
        self._saved_at = time.monotonic()

    def _resume(self) -> None:
        state, refusal = self._checkpoints.load()
        if refusal:
            self._reporter.say(f"starting again from the beginning: {refusal}")
        if state is None:
            self._generator.manual_seed(self._config.seed)
            return
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._standing = Standing(**state["standing"])
        self._best = state["best"]
        self._generator.set_state(state["random"]["augmentation"])
        torch.set_rng_state(state["random"]["cpu"])
        if self._device.type == "cuda" and "cuda" in state["random"]:
            torch.cuda.set_rng_state(state["random"]["cuda"], self._device)
        self._reporter.say(f"going on from the checkpoint of epoch {self._standing.epoch + 1}")


def _optimizer(network: nn.Module, config: TrainingConfig, rate: float) -> torch.optim.Optimizer:
    # Fused: one pass over the weights instead of one for each operation, a fifth of a step's time.
    if config.optimizer == "sgd":
        return torch.optim.SGD(
            network.parameters(),
            rate,
            momentum=config.momentum,
            weight_decay=config.weight_decay,
            fused=True,
        )
    return torch.optim.AdamW(
        network.parameters(), rate, weight_decay=config.weight_decay, fused=True
    )


def _random_state(device: torch.device) -> dict[str, Any]:
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def _copy(state: State) -> State:
    return {name: value.detach().clone() for name, value in state.items()}
