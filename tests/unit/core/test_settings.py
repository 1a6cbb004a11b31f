from pathlib import Path

import pytest
from pydantic import BaseModel, Field

from pileus.core import settings
from pileus.core.settings import InvalidSettings, find, load


class Jobs(BaseModel, frozen=True, extra="forbid"):
    lease_seconds: float = Field(default=30.0, ge=1)
    names: tuple[str, ...] = ()


@pytest.fixture
def home(tmp_path):
    return tmp_path


def write(home: Path, text: str) -> None:
    (home / settings.FILE_NAME).write_text(text, encoding="utf-8")


class TestPrecedence:
    def test_a_default_holds_when_nothing_is_said(self, home):
        assert load(Jobs, "jobs", None, home, {}).lease_seconds == 30

    def test_the_file_beats_the_default(self, home):
        write(home, "[jobs]\nlease_seconds = 4")

        assert load(Jobs, "jobs", None, home, {}).lease_seconds == 4

    def test_the_environment_beats_the_file(self, home):
        write(home, "[jobs]\nlease_seconds = 4")

        found = load(Jobs, "jobs", None, home, {"PILEUS_JOBS__LEASE_SECONDS": "5.5"})

        assert found.lease_seconds == 5.5

    def test_the_command_line_beats_the_environment(self, home):
        environ = {"PILEUS_JOBS__LEASE_SECONDS": "5"}

        assert load(Jobs, "jobs", {"lease_seconds": 6}, home, environ).lease_seconds == 6

    def test_an_option_that_was_not_given_overrides_nothing(self, home):
        environ = {"PILEUS_JOBS__LEASE_SECONDS": "5"}

        assert load(Jobs, "jobs", {"lease_seconds": None}, home, environ).lease_seconds == 5

    def test_lists_are_written_as_json_in_the_environment(self, home):
        found = load(Jobs, "jobs", None, home, {"PILEUS_JOBS__NAMES": '["a", "b"]'})

        assert found.names == ("a", "b")

    def test_the_process_own_environment_is_read(self, home, monkeypatch):
        monkeypatch.setenv("PILEUS_JOBS__LEASE_SECONDS", "7")

        assert load(Jobs, "jobs", None, home).lease_seconds == 7


class TestMistypedNames:
    def test_a_mistyped_field_in_the_environment_names_the_nearest(self, home):
        with pytest.raises(InvalidSettings, match="PILEUS_JOBS__LEASE_SECOND") as caught:
            load(Jobs, "jobs", None, home, {"PILEUS_JOBS__LEASE_SECOND": "5"})

        assert "PILEUS_JOBS__LEASE_SECONDS" in caught.value.hint

    @pytest.mark.parametrize("name", ["PILEUS_DATADIR", "PILEUS_JOB__LEASE_SECONDS", "PILEUS_HOM"])
    def test_a_name_of_no_section_is_refused(self, home, name):
        with pytest.raises(InvalidSettings, match=name):
            load(Jobs, "jobs", None, home, {name: "5"})

    def test_the_nearest_section_is_named(self, home):
        with pytest.raises(InvalidSettings) as caught:
            load(Jobs, "jobs", None, home, {"PILEUS_JOBZ__LEASE_SECONDS": "5"})

        assert "PILEUS_JOBS__LEASE_SECONDS" in caught.value.hint

    def test_a_mistyped_section_of_the_file_is_refused(self, home):
        write(home, "[jbs]\nlease_seconds = 4")

        with pytest.raises(InvalidSettings, match=r"\[jbs\]") as caught:
            load(Jobs, "jobs", None, home, {})

        assert "[jobs]" in caught.value.hint

    def test_a_mistyped_field_of_the_file_is_refused(self, home):
        write(home, "[jobs]\nlease_secs = 4")

        with pytest.raises(InvalidSettings, match="lease_secs"):
            load(Jobs, "jobs", None, home, {})

    def test_another_section_is_not_our_business(self, home):
        assert load(Jobs, "jobs", None, home, {"PILEUS_WORKER__ANYTHING": "5"}) == Jobs()

    def test_what_attempts_are_told_is_ignored(self, home):
        assert load(Jobs, "jobs", None, home, {"PILEUS_ATTEMPT_DIR": "/x"}) == Jobs()

    def test_short_names_of_the_client_are_known(self, home):
        assert load(Jobs, "jobs", None, home, {"PILEUS_HOME": "/x"}) == Jobs()


class TestValues:
    def test_a_value_that_does_not_fit_is_named_with_its_source(self, home):
        with pytest.raises(InvalidSettings, match=r"jobs\.lease_seconds = '0' from the env"):
            load(Jobs, "jobs", None, home, {"PILEUS_JOBS__LEASE_SECONDS": "0"})

    def test_a_file_that_is_not_toml_is_refused(self, home):
        write(home, "[jobs\n")

        with pytest.raises(InvalidSettings, match="not valid TOML"):
            load(Jobs, "jobs", None, home, {})


class TestFind:
    def test_one_value_is_found_unchecked(self, home):
        write(home, "[server]\nport = 1\n")

        assert find("server", "port", home, {}) == 1
        assert find("server", "port", home, {"PILEUS_SERVER__PORT": "0"}) == "0"
        assert find("gateway", "port", home, {}) is None
