import json

import pytest

from pileus.cli.main import run_command


@pytest.fixture
def cli(tmp_path, capsys):
    """Runs a command in a home that is none; its JSON value."""

    def run(*words):
        run_command(["--json", "--home", str(tmp_path / "home"), *words])
        return json.loads(capsys.readouterr().out)

    return run


class TestWords:
    @pytest.mark.parametrize("before", [(), ("create",)])
    def test_a_directory_alone_means_to_take_one(self, cli, tmp_path, before):
        answer = cli("backup", *before, str(tmp_path / "to"))

        assert answer["error"]["code"] == "backup_refused"
        assert "not the home" in answer["error"]["message"]
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("words", [("list",), ("show",), ("verify",), ("create", "--verify")])
    def test_a_place_without_one_is_named(self, cli, tmp_path, words):
        answer = cli("backup", *words, str(tmp_path / "nothing"))

        assert answer["error"]["code"] == "backup_not_found"

    def test_global_options_may_stand_before_the_name_of_a_command(self, cli, tmp_path):
        answer = cli("backup", "--project", "other", "list", str(tmp_path / "nothing"))

        assert answer["error"]["code"] == "backup_not_found"
        assert list(tmp_path.iterdir()) == []
