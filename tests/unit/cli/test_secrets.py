"""Where the value of a secret comes from."""

import getpass
import io
import sys
from types import SimpleNamespace

import pytest

from pileus.cli.secrets import secrets, value_of
from pileus.core.errors import InvalidRequest


class TestSecrets:
    def test_a_name_alone_is_its_own_place(self):
        assert secrets(["A", "B=C"], ["D", "E=e.pem"]) == [
            {"name": "A", "variable": "A"},
            {"name": "B", "variable": "C"},
            {"name": "D", "file": "D"},
            {"name": "E", "file": "e.pem"},
        ]


class TestValueOf:
    @pytest.fixture
    def typed(self, monkeypatch):
        def give(content, *, is_terminal=False):
            stdin = SimpleNamespace(isatty=lambda: is_terminal, buffer=io.BytesIO(content))
            monkeypatch.setattr(sys, "stdin", stdin)

        return give

    @pytest.mark.parametrize(
        "given, value",
        [
            (b"pw\n", b"pw"),
            (b"pw\r\n", b"pw"),
            (b"pw", b"pw"),
            (b"a\n\n", b"a\n"),
            (b"\xff", b"\xff"),
        ],
    )
    def test_the_newline_of_echo_is_left_out_and_no_more(self, typed, given, value):
        typed(given)

        assert value_of("A", None) == value

    def test_a_file_is_taken_as_it_is(self, tmp_path):
        (tmp_path / "key.pem").write_bytes(b"\x00key\n")

        assert value_of("A", tmp_path / "key.pem") == b"\x00key\n"

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path):
        with pytest.raises(InvalidRequest, match=r"gone\.pem' cannot be read: No such file"):
            value_of("A", tmp_path / "gone.pem")

    def test_a_person_types_it_unseen(self, typed, monkeypatch):
        monkeypatch.setattr(getpass, "getpass", lambda prompt: f"pä for {prompt}")
        typed(b"", is_terminal=True)

        assert value_of("A", None) == "pä for Value of A (not shown): ".encode()
