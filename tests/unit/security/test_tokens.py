"""Secrets on disk and in hashes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from pileus.security.tokens import (
    USER,
    attempt_token,
    load_or_create_secret,
    load_token_key,
    new_token,
    token_hash,
)


class TestTokens:
    def test_no_two_are_alike_and_each_tells_whose_it_is(self) -> None:
        made = {new_token(USER) for _ in range(100)}

        assert len(made) == 100
        assert all(token.startswith("plt_") and len(token) == 47 for token in made)

    def test_a_hash_depends_on_the_key(self) -> None:
        assert token_hash(b"a", "t") != token_hash(b"b", "t")

    def test_an_attempts_token_is_of_its_lease(self) -> None:
        assert attempt_token(b"k", "att_1", "x") == attempt_token(b"k", "att_1", "x")
        assert attempt_token(b"k", "att_1", "x") != attempt_token(b"k", "att_1", "y")


class TestSecrets:
    def test_the_first_one_stays_and_only_we_may_read_it(self, tmp_path: Path) -> None:
        path = tmp_path / "keys" / "token.key"

        first = load_or_create_secret(path, "one")
        second = load_or_create_secret(path, "two")

        assert (first, second) == ("one", "one")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert [p.name for p in path.parent.iterdir()] == ["token.key"]

    def test_a_damaged_key_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "token.key"
        path.write_text("abcd")

        with pytest.raises(ValueError, match="32 bytes"):
            load_token_key(path)
