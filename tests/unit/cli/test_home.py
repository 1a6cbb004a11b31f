import stat

import pytest

from pileus.cli.home import AlreadyUp, Home, HomeNotUsable


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.prepare()
    return made


class TestPrepare:
    def test_keys_are_made_once_and_private(self, home):
        key = home.path / "keys" / "token.key"
        first = key.read_text()

        home.prepare()

        assert key.read_text() == first
        assert len(bytes.fromhex(first.strip())) == 32
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        assert (home.run / "worker.token").read_text().startswith("plw_")
        assert (home.run / "gateway.token").read_text().startswith("plg_")

    def test_what_runs_there_is_private(self, home):
        assert stat.S_IMODE(home.run.stat().st_mode) == 0o700

    def test_a_home_of_a_newer_version_is_refused(self, home):
        (home.path / "home.json").write_text('{"schema": 99}')

        with pytest.raises(HomeNotUsable, match="layout 99"):
            home.prepare()

    def test_a_home_below_a_file_is_refused(self, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(HomeNotUsable, match="cannot be made or written"):
            Home(tmp_path / "file" / "home").prepare()

    def test_a_home_that_is_a_file_is_refused_before_anybody_asks_whether_it_runs(self, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(HomeNotUsable, match="is not a directory"):
            _ = Home(tmp_path / "file").is_held


class TestLock:
    def test_a_second_holder_is_refused(self, home):
        home.lock()

        with pytest.raises(AlreadyUp, match="is held by the supervisor"):
            home.lock()

    def test_a_home_is_held_while_somebody_holds_it(self, home):
        assert not home.is_held

        home.lock()

        assert home.is_held

    def test_a_home_that_was_never_made_is_not_held(self, tmp_path):
        assert not Home(tmp_path / "nothing").is_held


class TestDocuments:
    def test_tokens_of_projects_are_kept_side_by_side(self, home):
        home.keep_token("default", "plt_a")
        home.keep_token("other", "plt_b")

        assert home.read("tokens.json") == {"default": "plt_a", "other": "plt_b"}
        assert stat.S_IMODE((home.run / "tokens.json").stat().st_mode) == 0o600

    def test_nothing_is_read_from_what_is_not_there_or_damaged(self, home):
        (home.run / "pids.json").write_text("{")

        assert home.read("pids.json") == {}
        assert home.read("ports.json") == {}

    def test_writing_leaves_no_other_file(self, home):
        home.write("ports.json", {"server": 1})

        assert sorted(path.name for path in home.run.iterdir()) == [
            "gateway.token",
            "metrics.token",
            "ports.json",
            "worker.token",
        ]
