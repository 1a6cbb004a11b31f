"""The layers, as pyproject.toml states them."""

import tomllib

from click.testing import CliRunner
from importlinter.cli import lint_imports_command

from tests.architecture.sources import ROOT, SRC


def stated_layers() -> set[str]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = document["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["id"] == "layers")
    return {name.strip(" ()") for layer in layers for name in layer.split("|")}


class TestLayers:
    def test_every_contract_holds(self, monkeypatch):
        monkeypatch.chdir(ROOT)

        result = CliRunner().invoke(lint_imports_command, ["--no-logo", "--no-cache"])

        assert result.exit_code == 0, result.output

    def test_the_list_of_layers_is_the_list_of_packages(self):
        packages = {path.parent.name for path in (SRC / "pileus").glob("*/__init__.py")}

        assert packages == stated_layers()
