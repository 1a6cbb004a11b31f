"""Lineage and reasons as a person reads them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pileus.cli import phrases
from pileus.cli.output import fields

if TYPE_CHECKING:
    from rich.console import Console

Step = Mapping[str, Any]


def show_lineage(console: Console, lineage: Step) -> None:
    """The chain, from what was asked about to where it came from."""
    from rich.markup import escape  # start-up time

    for depth, step in enumerate(lineage["steps"]):
        arrow = "" if depth == 0 else "   " * (depth - 1) + "└─ "
        noun = str(step["noun"]).replace("_", " ")
        said = _DETAILS[step["noun"]](step) if step["noun"] in _DETAILS else ""
        said += _gone(step)
        # An id that the terminal breaks in two cannot be copied, so it gets a line where it must.
        is_wide = len(f"{arrow}{noun} {said}  {step['id']}") > console.width
        gap = f"\n{' ' * len(arrow)}" if is_wide else "  "
        console.print(
            f"[dim]{arrow}[/][bold]{escape(noun)}[/] {escape(said)}{gap}[dim]{step['id']}[/]",
            soft_wrap=True,
            highlight=False,
        )


def show_reason(console: Console, answer: Step) -> None:
    """State, reason and next step, then the attempts if it is a job."""
    is_gang = any(one.get("rank") for one in answer.get("attempts", ()))
    attempts = [
        (
            f"attempt {one['number']}{_rank(one) if is_gang else ''}",
            ": ".join(str(part) for part in (one["status"], one.get("reason")) if part),
        )
        for one in answer.get("attempts", ())
    ]
    fields(
        console,
        [
            ("state", answer.get("state")),
            ("reason", answer.get("reason")),
            ("start", _start(answer) if "eta" in answer else None),
            ("next step", answer.get("hint")),
            *attempts,
        ],
    )


def _rank(attempt: Step) -> str:
    return f", rank {attempt['rank']}"


def _start(answer: Step) -> str:
    return phrases.start(answer["eta"], answer["after"])


def _prediction(step: Step) -> str:
    price = step.get("price") or {}
    cost = phrases.price(price["micro"], price["exponent"]) if "micro" in price else ""
    latency = f"{step['latency_us'] / 1000:.1f} ms" if "latency_us" in step else ""
    return _joined(step.get("outcome"), latency, cost and f"price {cost}")


def _revision(step: Step) -> str:
    when, who = step.get("endpoint_deleted_at"), step.get("endpoint_deleted_by")
    gone = f" (deleted {str(when)[:10]} by {who})" if when else ""
    return _joined(f"{step.get('number')} of endpoint {step.get('endpoint')}{gone}", _by(step))


def _model_version(step: Step) -> str:
    evaluation = step.get("evaluation", {})
    scores = [f"{k} {evaluation[k]:.4f}" for k in ("accuracy", "r2") if k in evaluation]
    return _joined(step.get("name"), *scores, _by(step))


def _job(step: Step) -> str:
    words = step.get("command") or step.get("transform") or ()
    what = step.get("recipe") or (" " if step.get("command") else ", ").join(words)
    took = phrases.lasted(step.get("started_at"), step.get("ended_at"))
    code = f"code {str(step.get('code_digest'))[:12]}"
    return _joined(f"{step.get('kind')} {what}", took, code, f"by {step.get('submitted_by')}")


def _dataset_version(step: Step) -> str:
    names = ", ".join(step.get("datasets", ()))
    rows = f"{step.get('rows_train')} to train, {step.get('rows_untouched')} untouched"
    return _joined(names, f"from {step.get('source')}", rows)


def _gone(step: Step) -> str:
    """What is said of a step that was deleted, with the digest of what it was."""
    if not step.get("deleted_at"):
        return ""
    digests = step.get("digests") or ()
    digest = f", digest {digests[0]}" if digests else ""
    return f" (deleted {str(step['deleted_at'])[:10]} by {step.get('deleted_by')}{digest})"


def _by(step: Step) -> str:
    return f"by {step['created_by']}" if step.get("created_by") else ""


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


_DETAILS: dict[str, Callable[[Step], str]] = {
    "prediction": _prediction,
    "revision": _revision,
    "model_version": _model_version,
    "job": _job,
    "dataset_version": _dataset_version,
}
