"""`pileus predict`: ask an endpoint."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from pileus.cli.answers import answers, prediction_id
from pileus.cli.session import Session


def predict(
    context: typer.Context,
    endpoint: Annotated[str, typer.Argument(help="Name of the endpoint.")],
    file: Annotated[
        str,
        typer.Argument(
            help="An image, a CSV file with a header, JSON, or an image's s3:// or https:// address."
        ),
    ],
) -> None:
    """Ask ENDPOINT for a prediction on FILE."""
    session = Session.of(context)
    answer = session.client.predictions.predict(endpoint, file)
    session.output.show(answer, lambda _: _say(session, answer))


def _say(session: Session, answer: Mapping[str, Any]) -> None:
    from rich.markup import escape  # start-up time

    for text, chance in answers(answer):
        sure = "" if chance is None else f"  [dim]{chance:.1%}[/]"
        session.output.say(f"[bold]{escape(text)}[/]{sure}")
    session.output.say(f"[dim]{prediction_id(answer)}[/]")
