from datetime import UTC, datetime, timedelta

import pytest

from pileus.cli.moments import moment
from pileus.core.errors import InvalidRequest


def test_so_long_ago():
    found = moment("10m", "--since")

    assert abs(datetime.now(UTC) - timedelta(minutes=10) - found) < timedelta(seconds=5)


def test_a_time_with_a_zone_is_that_time():
    assert moment("2026-01-31T14:00+02:00", "--since") == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_nothing_said_is_no_time():
    assert moment(None, "--since") is None


@pytest.mark.parametrize("text", ["soon", "10 minutes", "999999d", ""])
def test_the_option_that_is_wrong_is_named(text):
    with pytest.raises(InvalidRequest, match="--until"):
        moment(text, "--until")
