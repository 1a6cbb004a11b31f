"""The quickstart told from start to end: data, model, endpoint, predictions, lineage, bill."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pileus.cli import phrases
from pileus.cli.answers import answers, prediction_id
from pileus.cli.export import placed
from pileus.cli.following import raise_unless_succeeded, watch_training
from pileus.cli.ingestion import create_version
from pileus.cli.invoices import show_invoice
from pileus.cli.quickstart.pages import Pages
from pileus.cli.quickstart.samples import Sample, untouched_samples
from pileus.cli.quickstart.system import temporary_system
from pileus.cli.serving import wait_until_served
from pileus.cli.session import Session
from pileus.cli.trees import show_lineage
from pileus.core.errors import NotFound, PileusError, Unavailable

if TYPE_CHECKING:
    from pileus.cli.home import Home
    from pileus.cli.output import Output
    from pileus.sdk import Client

Answer = TypeVar("Answer")

NAME = "quickstart"
"""Name of dataset, model and endpoint alike."""

RECIPE = "cnn"
ASKED = 5
"""Predictions to make."""

SHIPPING_SECONDS = 10.0
"""The gateway ships meters and records every second."""

ANSWER = (
    "accuracy",
    "seconds",
    "parity_max_abs_diff",
    "dataset_version",
    "model_version",
    "prediction_id",
    "cost_micro",
)
"""What `--json` prints."""

_EVERY_SECONDS = 0.1


def tell(output: Output, source: str, seed: int, *, keep: bool) -> None:
    """Do all of it, and print what it came to. Raises what failed, naming the step."""
    began = time.monotonic()
    pages = Pages(output)
    output.say("\n[bold]Pileus quickstart[/] [dim]in a temporary home, on this machine only[/]\n")
    try:
        with ExitStack() as stack:
            with pages.step("start", "server, gateway and worker") as step:
                home = stack.enter_context(temporary_system(keep=keep))
                step.result = "server, gateway and worker answer"
            stack.callback(_say_stopping, output)
            outcome = _use(pages, home, source, seed)
    except PileusError as error:
        error.message = f"The step {pages.current!r} failed: {error.message}"
        raise
    outcome["seconds"] = round(time.monotonic() - began, 2)
    answer = {name: outcome[name] for name in ANSWER}
    output.show(answer, lambda _: _repeat(output, source, seed, outcome, home if keep else None))


def _use(pages: Pages, home: Home, source: str, seed: int) -> dict[str, Any]:
    quiet = Session(home_option=home.path, json=True)
    try:
        return _steps(pages, quiet, source, seed)
    except PileusError as error:
        error.hint = f"{error.hint or ''} The logs are in {str(home.logs)!r}.".strip()
        raise
    finally:
        quiet.close()


def _steps(pages: Pages, session: Session, source: str, seed: int) -> dict[str, Any]:
    client = session.client
    with pages.step("dataset", f"reading {source}") as step:
        dataset = create_version(session, NAME, source, split_seed=seed)
        classes = dataset.get("info", {}).get("classes") or ()
        step.result = (
            f"{dataset['rows_train']} to train, {dataset['rows_untouched']} untouched,"
            f" {len(classes)} classes"
        )
    with pages.step_with_own_bar("train") as step:
        job = _train(pages, session, seed)
        summary = job.get("summary", {})
        step.result = f"recipe {RECIPE}, {summary.get('epochs', '?')} epochs"
    with pages.step("evaluate", "reading the untouched split's results") as step:
        version = client.models.version(NAME, 1)
        evaluation, parity = version["evaluation"], version["parity"]
        step.result = f"accuracy {evaluation['accuracy']:.4f} on {evaluation['rows']} rows"
    with pages.step("export", "comparing the exported graph with the trained model") as step:
        step.result = f"ONNX, differs by at most {parity['max_abs_diff']:.1e}"
    with pages.step("register", "") as step:
        step.result = f"model {NAME}:1"
    with pages.step("endpoint", "loading it in the gateway") as step:
        made = client.endpoints.create(NAME, f"{NAME}:1")
        if not wait_until_served(client, NAME, made["revision"]):
            raise Unavailable("The gateway does not serve it", hint="Read the gateway's log.")
        step.result = f"{client.gateway_url}/v2/models/{NAME}"
    with pages.step("predict", "asking about images that no training has read") as step:
        samples = untouched_samples(client, dataset, ASKED)
        asked = [_ask(client, one) for one in samples]
        right = sum(label == said for label, said, _, _ in asked)
        step.result = f"{right} of {len(asked)} right"
    last = asked[-1][3]
    with pages.step("bill", "waiting for the meters") as step:
        invoice = _invoice(client)
        step.result = phrases.money(invoice["total_micro"], invoice["currency"])
    lineage = _lineage(client, last)
    if not pages.output.as_json:
        _show(pages.output, asked, lineage, invoice)
    return {
        "accuracy": evaluation["accuracy"],
        "seconds": 0.0,
        "parity_max_abs_diff": parity["max_abs_diff"],
        "dataset_version": dataset["id"],
        "model_version": version["id"],
        "prediction_id": last,
        "cost_micro": invoice["total_micro"],
        "image": samples[-1].path,
        "exported": placed(samples[-1].path, samples[-1].label),
    }


def _train(pages: Pages, session: Session, seed: int) -> Mapping[str, Any]:
    job = session.client.jobs.submit(
        {
            "kind": "train",
            "recipe": RECIPE,
            "config": {"seed": seed},
            "dataset": NAME,
            "register": NAME,
            "resources": {"cpu": 1.0, "memory_mib": 2048},
            "max_attempts": 1,
        }
    )
    watched = Session(json=pages.output.as_json)
    watched.__dict__["client"] = session.client
    job = watch_training(watched, job)
    raise_unless_succeeded(session, job)
    return job


def _invoice(client: Client) -> Mapping[str, Any]:
    """The bill once it holds the predictions that were made."""

    def billed() -> Mapping[str, Any]:
        invoice = client.bill.invoice()
        quantities = [
            line["quantity"] for line in invoice["lines"] if "prediction" in line["resource"]
        ]
        if sum(quantities) < ASKED:
            raise Unavailable("the predictions are not on the bill yet")
        return invoice

    return _patiently(billed, "The predictions did not reach the bill")


def _lineage(client: Client, prediction: str) -> Mapping[str, Any]:
    return _patiently(
        lambda: client.lineage.of(prediction), "The prediction's record did not arrive"
    )


def _patiently(look: Callable[[], Answer], failure: str) -> Answer:
    """What `look` answers once it can. Raises Unavailable when it does not in time."""
    deadline = time.monotonic() + SHIPPING_SECONDS
    while True:
        try:
            return look()
        except (NotFound, Unavailable) as error:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"{failure} within {SHIPPING_SECONDS:g} s: {error.message}", hint=error.hint
                ) from error
        time.sleep(_EVERY_SECONDS)


def _ask(client: Client, sample: Sample) -> tuple[str, str, float | None, str]:
    """True label, answer, its probability, and the id of the prediction."""
    answer = client.predictions.image(NAME, sample.content, sample.content_type)
    said, chance = answers(answer)[0]
    return sample.label, said, chance, prediction_id(answer)


def _show(
    output: Output,
    asked: list[tuple[str, str, float | None, str]],
    lineage: Mapping[str, Any],
    invoice: Mapping[str, Any],
) -> None:
    from rich.markup import escape  # start-up time

    output.say("\n[bold]Answers[/]")
    for label, said, chance, prediction in asked:
        colour = "green" if said == label else "red"
        sure = "" if chance is None else f"{chance:6.1%}"
        output.say(
            f"  is {escape(label):<12} said [{colour}]{escape(said):<12}[/] [dim]{sure}  {prediction}[/]"
        )
    output.say("\n[bold]Where the last one came from[/]")
    show_lineage(output.console, lineage)
    output.say("\n[bold]The bill[/]")
    show_invoice(output.console, invoice)


def _say_stopping(output: Output) -> None:
    output.note("[dim]Stopping everything and removing the temporary home …[/]")


def _repeat(
    output: Output, source: str, seed: int, outcome: Mapping[str, Any], home: Home | None
) -> None:
    from rich.markup import escape  # start-up time

    file = Path(source) / outcome["image"]
    # A sample has no files of its own, so they are taken out of the version.
    exported = () if file.is_file() else (f"pileus dataset export {NAME} items --split untouched",)
    image = shlex.quote(str(file if file.is_file() else Path("items") / outcome["exported"]))
    split, training = (f" --split-seed {seed}", f" --seed {seed}") if seed else ("", "")
    output.say("\n[bold]The same by hand[/]")
    for command in (
        "pileus up",
        f"pileus dataset create {NAME} {shlex.quote(source)}{split}",
        f"pileus train {NAME} --recipe {RECIPE} --register {NAME}{training}",
        f"pileus model show {NAME}:1",
        f"pileus endpoint create {NAME} --model {NAME}:1",
        *exported,
        f"pileus predict {NAME} {image}",
        "pileus lineage PREDICTION_ID",
        "pileus bill",
        "pileus down",
    ):
        output.say(f"  [cyan]{escape(command)}[/]")
    if home is not None:
        output.say(f"\nThe home is kept: [cyan]pileus --home {home.path} up[/] goes on in it.")
    output.say(f"\n[green]Done in {phrases.seconds(outcome['seconds'])}.[/]\n")
