"""Filters and cursors."""

from __future__ import annotations

import pytest

from pileus.jobs.tables import JOBS
from pileus.security.tables import PRINCIPALS, TOKENS
from pileus.server.api.paging import FilterRefused, Page, parse_filter


class TestParseFilter:
    def test_values_become_what_the_column_holds(self):
        assert parse_filter(JOBS, "status=queued, priority=-3") == [
            ("status", "=", "queued"),
            ("priority", "=", -3),
        ]
        assert parse_filter(PRINCIPALS, "disabled=TRUE") == [("disabled", "=", True)]

    @pytest.mark.parametrize(
        "text", ["status", "spec=1", "priority=high", "priority=1.5", "colour=red", "=", "a=b=c"]
    )
    def test_what_does_not_fit_is_named(self, text):
        with pytest.raises(FilterRefused):
            parse_filter(JOBS, text)

    def test_nobody_guesses_hashes(self):
        with pytest.raises(FilterRefused, match="hash"):
            parse_filter(TOKENS, "hash=00")


class TestPage:
    async def test_an_exact_page_is_the_last(self):
        async def read(where, *, limit):
            assert limit == 3
            return []

        listed = await Page(2, None, "").list(JOBS, read)

        assert (listed.items, listed.next) == ([], None)
