import tomllib

import pytest

from pileus.cli.database_choice import choose_database, database_of
from pileus.core.errors import InvalidRequest

POSTGRES = "postgresql+psycopg://somebody@somewhere/pileus"


def settings_of(home):
    return tomllib.loads((home / "pileus.toml").read_text("utf-8"))


class TestDatabaseOf:
    def test_a_home_that_says_nothing_uses_its_own_file(self, tmp_path):
        assert database_of(tmp_path) == f"sqlite:///{tmp_path}/state/pileus.db"


class TestChooseDatabase:
    @pytest.mark.parametrize(
        "before",
        [
            "",
            "[gateway]\nport = 1\n",
            "[gateway]\nport = 1\n[server]\nport = 2\n[jobs]\nlease_seconds = 9\n",
            '[server]\ndatabase_url = "postgresql://old"\nport = 2\n[gateway]\nport = 1\n',
        ],
    )
    def test_another_one_is_written_and_the_rest_stays(self, tmp_path, before):
        (tmp_path / "pileus.toml").write_text(before)

        assert choose_database(tmp_path, POSTGRES) == POSTGRES

        wanted = tomllib.loads(before)
        wanted.setdefault("server", {})["database_url"] = POSTGRES
        assert settings_of(tmp_path) == wanted

    def test_sqlite_takes_the_other_one_out(self, tmp_path):
        (tmp_path / "pileus.toml").write_text('[server]\ndatabase_url = "postgresql://old"\n')

        assert choose_database(tmp_path, "sqlite").startswith("sqlite:///")

        assert settings_of(tmp_path) == {"server": {}}

    def test_nothing_wanted_changes_nothing(self, tmp_path):
        assert choose_database(tmp_path, None).startswith("sqlite:///")
        assert not (tmp_path / "pileus.toml").exists()

    def test_an_unknown_kind_is_refused(self, tmp_path):
        with pytest.raises(InvalidRequest, match="'mysql://x'"):
            choose_database(tmp_path, "mysql://x")

    def test_settings_in_another_form_are_not_guessed_at(self, tmp_path):
        (tmp_path / "pileus.toml").write_text('server.database_url = "postgresql://old"\n')

        with pytest.raises(InvalidRequest, match="cannot be changed"):
            choose_database(tmp_path, "sqlite")
