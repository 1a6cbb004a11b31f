"""
A training, from an attempt's inputs to its artifacts: the entry of every recipe.

Read, hold back, fit, evaluate, export, compare, describe. What its owner can put right ends as a
failure with a hint; anything else is a bug and leaves with its traceback.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from pileus.core.errors import PileusError
from pileus.training import device as devices
from pileus.training import settings as environment
from pileus.training import validation, versions
from pileus.training.assessment import assess
from pileus.training.attempt import Attempt
from pileus.training.bundle import DESCRIPTION, GRAPH, describe, outputs, write_json
from pileus.training.catalogue import RECIPES, configure
from pileus.training.checkpoint import Checkpoints
from pileus.training.code_digest import code_digest
from pileus.training.config import TrainingConfig
from pileus.training.errors import InvalidConfig, UnsuitableData
from pileus.training.examples import Examples, Targets
from pileus.training.export import export
from pileus.training.pictures import draw_confusion, draw_loss
from pileus.training.plan import chosen, complete
from pileus.training.preparation import Classifier, Regressor
from pileus.training.reporting import Reporter, say
from pileus.training.settings import TrainingSettings
from pileus.training.trainer import Rows, Standing, Trainer

DATA = "data"
CHECKPOINT = "checkpoint"


def main(attempt: Attempt) -> None:
    """Run the training that `attempt.params` describe and write its result."""
    try:
        settings = environment.load()
        torch.set_num_threads(settings.threads)
        _train(attempt, settings)
    except PileusError as error:
        say(f"failed: {error.message}")
        if error.hint:
            say(f"hint: {error.hint}")
        attempt.fail(error.code, error.message, error.hint)


@dataclass(frozen=True)
class _Fitted:
    """A network with its best weights and how it came to them."""

    model: nn.Module
    config: TrainingConfig
    standing: Standing
    scale: float
    """Unit of the outputs: 1 for probabilities, a standard deviation for numbers."""

    fitted_rows: int
    validation_rows: int
    checkpoints: Checkpoints
    threads: int


def _train(attempt: Attempt, settings: TrainingSettings) -> None:
    started = time.monotonic()
    recipe, config = _order(attempt)
    examples = versions.examples(attempt.inputs / DATA, config)
    fitted = _fit(attempt, settings, recipe, config, examples)
    if fitted is None:
        say("stopped: the checkpoint is where the next attempt goes on")
        attempt.preempted({})
        return
    summary = _deliver(attempt.out, recipe, examples, fitted)
    say(f"done in {time.monotonic() - started:.1f} s")
    fitted.checkpoints.remove()
    attempt.finish(summary)


def _order(attempt: Attempt) -> tuple[str, TrainingConfig]:
    """What was asked for. The server has checked it, an attempt started by hand has not been."""
    recipe, config = attempt.params.get("recipe"), attempt.params.get("config", {})
    if not isinstance(recipe, str) or not isinstance(config, dict):
        raise InvalidConfig(
            f"The attempt's parameters name recipe {recipe!r} with {config!r}",
            hint="Parameters are {'recipe': NAME, 'config': {...}}.",
        )
    return recipe, configure(recipe, config)


def _fit(
    attempt: Attempt,
    settings: TrainingSettings,
    recipe: str,
    config: TrainingConfig,
    examples: Examples,
) -> _Fitted | None:
    """The fitted network, or None if the attempt was asked to stop."""
    if examples.task == "regression" and recipe == "logistic-regression":
        raise UnsuitableData(
            f"Recipe {recipe!r} learns classes, and label {examples.label!r} is a number",
            hint="Train with `--recipe mlp`.",
        )
    features, targets = examples.train()
    kept, held = _hold_back(targets, config, is_classifier=examples.classes is not None)
    config = complete(config, len(kept))
    epochs, batch_size, _ = chosen(config)
    scaling, shape = examples.scaling(features[torch.from_numpy(kept)])
    goal, centre, spread = _goal(targets, kept)
    threads = devices.threads(settings, batch_size, shape)
    device = devices.prepare(threads, config.seed)
    width = 1 if examples.classes is None else len(examples.classes)
    network = nn.Sequential(scaling, _build(recipe, config, shape, width))
    say(
        f"{recipe} on {devices.describe(device)}: {len(kept):,} rows to fit, {len(held):,} to"
        f" validate, {epochs} epochs of batches of {batch_size}"
    )
    checkpoints = Checkpoints(
        attempt.out / CHECKPOINT,
        attempt.inputs / CHECKPOINT,
        fingerprint=f"{examples.version_id} {code_digest()} {config.model_dump_json()}",
    )
    trainer = Trainer(
        network,
        config,
        _rows(features, goal, kept, device),
        _rows(features, goal, held, device),
        checkpoints=checkpoints,
        checkpoint_seconds=settings.checkpoint_seconds,
        reporter=Reporter(attempt, epochs),
        stop_requested=lambda: attempt.stop_requested,
    )
    if not trainer.fit():
        return None
    reception = examples.reception()
    model: nn.Module = (
        Regressor(reception, network, torch.tensor(centre), torch.tensor(spread))
        if examples.classes is None
        else Classifier(reception, network)
    )
    return _Fitted(
        model.to("cpu").eval(),
        config,
        trainer.standing,
        spread,
        len(kept),
        len(held),
        checkpoints,
        threads,
    )


def _hold_back(
    targets: Targets, config: TrainingConfig, *, is_classifier: bool
) -> tuple[validation.Indexes, validation.Indexes]:
    kept, held = validation.hold_back(
        targets, config.validation, config.seed, stratified=is_classifier
    )
    if not len(held):
        raise UnsuitableData(
            f"The training part has {len(targets)} rows, too few to hold some back for validation",
            hint="Add examples: at least two of one class.",
        )
    return kept, held


def _goal(targets: Targets, kept: validation.Indexes) -> tuple[Tensor, float, float]:
    """What the network is to answer: class indexes, or numbers standardised by the fitted rows."""
    if targets.dtype == np.int64:
        return torch.from_numpy(targets), 0.0, 1.0
    fitted = targets[kept].astype(np.float64)
    centre, spread = float(fitted.mean()), float(fitted.std()) or 1.0
    goal = ((targets.astype(np.float64) - centre) / spread).astype(np.float32)
    return torch.from_numpy(goal.reshape(-1, 1)), centre, spread


def _rows(
    features: Tensor, goal: Tensor, indexes: validation.Indexes, device: torch.device
) -> Rows:
    chosen = torch.from_numpy(indexes)
    return Rows(features[chosen].to(device), goal[chosen].to(device))


def _build(recipe: str, config: TrainingConfig, shape: tuple[int, ...], outputs: int) -> nn.Module:
    module = import_module(f"{RECIPES[recipe]}.model")  # only the recipe that runs is loaded
    return cast("nn.Module", module.build(config, shape, outputs))


def _deliver(out: Path, recipe: str, examples: Examples, fitted: _Fitted) -> dict[str, Any]:
    """Write every artifact; what of it belongs into the job's summary."""
    directory = out / "bundle"
    directory.mkdir(parents=True, exist_ok=True)
    entrance = examples.entrance()
    names = [output["name"] for output in outputs(examples.classes)]
    export(fitted.model, entrance, names, directory / GRAPH)
    evaluation, parity = assess(
        fitted.model, directory / GRAPH, examples, fitted.threads, fitted.scale
    )
    description = describe(
        directory,
        task=examples.task,
        entrance=entrance.spec,
        classes=examples.classes,
        recipe=recipe,
        config=fitted.config,
    )
    write_json(directory / DESCRIPTION, description)
    write_json(out / "evaluation.json", evaluation)
    write_json(out / "parity.json", parity)
    standing = fitted.standing
    draw_loss(out / "loss.png", standing.history, standing.best_epoch)
    if examples.classes is not None:
        draw_confusion(
            out / "confusion.png",
            evaluation["confusion"],
            examples.classes,
            evaluation["accuracy"],
        )
    scores = {
        name: value
        for name, value in evaluation.items()
        if isinstance(value, float) or value is None
    }
    say("untouched split: " + "  ".join(f"{name} {value}" for name, value in scores.items()))
    return scores | {
        "untouched_rows": evaluation["rows"],
        "parity_max_abs_diff": parity["max_abs_diff"],
        "parity_passed": parity["passed"],
        "epochs": standing.epoch,
        "best_epoch": standing.best_epoch,
        "train_rows": fitted.fitted_rows,
        "validation_rows": fitted.validation_rows,
    }
