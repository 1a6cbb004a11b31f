from types import SimpleNamespace
from typing import Any

import pytest

from pileus.cli import estimates

FOUND = {
    "node": "laptop",
    "reason": None,
    "hint": None,
    "micro_per_hour": 42_500,
    "most_micro": None,
    "currency": "USD",
}


@pytest.fixture
def said():
    """What is said of an estimate of the server."""
    lines: list[str] = []

    def of(**found):
        output = SimpleNamespace(say=lines.append, show=lambda document, say: say(document))
        jobs = SimpleNamespace(estimate=lambda spec: FOUND | found)
        session: Any = SimpleNamespace(output=output, client=SimpleNamespace(jobs=jobs))
        estimates.show_estimate(session, {})
        return "\n".join(lines)

    return of


class TestShowEstimate:
    def test_what_would_start_says_where_and_its_price(self, said):
        text = said()

        assert "Would start at once[/] on laptop" in text
        assert "0.042500 USD an hour" in text
        assert "At most" not in text

    def test_what_would_wait_says_for_what_and_what_to_do(self, said):
        text = said(node=None, reason="No node has gpu=64[any]", hint="Ask for less.")

        assert "No node has gpu=64\\[any]" in text
        assert "Ask for less." in text

    def test_a_timeout_bounds_the_price(self, said):
        assert "At most[/] 1.500000 USD" in said(most_micro=1_500_000)
