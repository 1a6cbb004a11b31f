"""`pileus node`: the machines that run jobs."""

from typing import Annotated

import typer

from pileus.cli import phrases
from pileus.cli.options import Command
from pileus.cli.session import Session

app = typer.Typer(help="Nodes: the machines that run jobs.")


@app.command("list", cls=Command)
def list_(context: typer.Context) -> None:
    """List nodes, what they have, and when each was last heard."""
    session = Session.of(context)
    session.output.table(
        [dict(node) for node in session.client.installation.nodes()],
        [
            ("NAME", "name"),
            ("STATE", lambda node: "answers" if node["is_answering"] else "silent"),
            ("CPU", lambda node: phrases.milli(node["capacity"]["cpu_milli"])),
            ("MEMORY MiB", lambda node: f"{node['capacity']['memory_mib']:,}"),
            ("GPUS", lambda node: len(node["capacity"]["devices"])),
            ("HEARD", lambda node: phrases.ago(node["seen_at"])),
        ],
        "No node has registered.",
    )


@app.command("remove", cls=Command)
def remove(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the node.")],
) -> None:
    """Forget a node that has gone for good; its worker would register it anew."""
    session = Session.of(context)
    gone = session.client.installation.remove_node(name)
    session.output.show(gone, lambda _: session.output.say(f"{name} is no node any more"))
