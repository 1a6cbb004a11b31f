from datetime import UTC, datetime

import pytest

from pileus.cli.deleting import delete_for, left
from pileus.cli.session import Session
from pileus.core.errors import InvalidRequest

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class TestLeft:
    @pytest.mark.parametrize(
        "until, said",
        [
            ("2026-01-07T23:30:00+00:00", "6 d 23 h"),
            ("2026-01-01T02:03:00+00:00", "2 h 3 min"),
            ("2025-12-31T00:00:00+00:00", "over"),
        ],
    )
    def test_says_how_long(self, until, said):
        assert left({"kept_until": until}, NOW) == said

    def test_of_what_was_collected_is_nothing(self):
        document = {"kept_until": "2026-02-01T00:00:00+00:00", "collected_at": "2026-01-01"}

        assert left(document, NOW) == "collected"


class TestDelete:
    def test_without_grace_wants_to_hear_that_it_is_meant(self):
        def call(**_):
            raise AssertionError("it was deleted unasked")

        with pytest.raises(InvalidRequest) as caught:
            delete_for(Session(json=True), "dataset x", call, now=True, yes=False)

        assert "--yes" in (caught.value.hint or "")
