"""Runs the examples of the pages in one installation, each page after those before it."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.docs.examples import Block, blocks_of, commands_of, missing, pages

COMMAND_SECONDS = 120.0


class ExampleFailed(AssertionError):
    """An example of the documentation does not do what its page says."""


class Story:
    """One home, and the pages whose examples have run in it."""

    def __init__(self, directory: Path) -> None:
        self._work = directory / "work"
        self._home = directory / ".pileus"  # the default, because HOME is `directory`
        self._work.mkdir()
        self._told: list[str] = []
        self._printed: dict[str, str] = {}
        self._failed: dict[str, str] = {}
        self._ports: dict[str, int] = {}

    def start(self) -> None:
        """`pileus up` on ports that are free now. Raises ExampleFailed."""
        done = self._shell("pileus up --port 0 --gateway-port 0")
        if done.returncode != 0:
            raise ExampleFailed(f"pileus up: exit {done.returncode}\n{done.stdout}{done.stderr}")
        stated = json.loads((self._home / "run" / "ports.json").read_text(encoding="utf-8"))
        self._ports = {
            ":7070": stated["server"],
            ":7080": stated["gateway"],
            ":7081": stated["grpc"],
        }

    def stop(self) -> None:
        """`pileus down`; safe when `start` failed half-way."""
        self._shell("pileus down")

    def tell(self, page: str) -> None:
        """Run what the page tells to run, after every page before it."""
        order = pages()
        for earlier in order[: order.index(page) + 1]:
            if earlier not in self._told:
                self._told.append(earlier)  # one that fails is not tried again for later pages
                for block in blocks_of(earlier):
                    if block.runs:
                        self._run(block)

    def _run(self, block: Block) -> None:
        if block.language == "python":
            self._python(block)
            return
        for command in commands_of(block):
            if command.text in self._failed:
                raise ExampleFailed(f"{block.place}: failed before\n{self._failed[command.text]}")
            # A reader who comes from an earlier page has done this already.
            if command.text not in self._printed:
                done = self._shell(command.text)
                if done.returncode != 0:
                    self._failed[command.text] = _report(block, command.text, done)
                    raise ExampleFailed(self._failed[command.text])
                self._printed[command.text] = done.stdout
            lost = missing(command.shown, self._printed[command.text])
            if lost:
                printed = self._printed[command.text]
                raise ExampleFailed(
                    f"{block.place}: $ {command.text}\nshown but not printed: {lost}\n{printed}"
                )

    def _python(self, block: Block) -> None:
        done = self._execute([sys.executable, "-c", self._with_ports(block.text)])
        if done.returncode != 0:
            raise ExampleFailed(_report(block, "python", done))

    def _shell(self, command: str) -> subprocess.CompletedProcess[str]:
        return self._execute(["/bin/sh", "-c", self._with_ports(command)])

    def _with_ports(self, text: str) -> str:
        for stated, actual in self._ports.items():
            text = text.replace(stated, f":{actual}")
        return text

    def _execute(self, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("PILEUS_")}
        environment = own | {
            "COLUMNS": "100",
            "HOME": str(self._home.parent),
            "NO_COLOR": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own.get('PATH', '')}",
        }
        return subprocess.run(
            arguments,
            cwd=self._work,
            env=environment,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )


def _report(block: Block, command: str, done: subprocess.CompletedProcess[str]) -> str:
    return f"{block.place}: $ {command}\nexit {done.returncode}\n{done.stdout}{done.stderr}"
