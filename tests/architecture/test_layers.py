"""The layers, as pyproject.toml states them."""

import subprocess
import sys
import tomllib
from pathlib import Path

from tests.architecture.sources import ROOT, SRC


def stated_layers() -> set[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return {name.strip(" ()") for layer in layers for name in layer.split("|")}


class TestLayers:
    def test_every_contract_holds(self):
        # A process of its own: this one's loggers would be disabled.
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]

        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

        assert done.returncode == 0, done.stdout + done.stderr

    def test_the_list_of_layers_is_the_list_of_packages(self):
        packages = {path.parent.name for path in (SRC / "pileus").glob("*/__init__.py")}

        assert packages == stated_layers()
