"""Money adds up, however use is cut into pieces."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.metering import Price
from pileus.metering.ledger import amount_of


def make_price(micro: int, exponent: int) -> Price:
    return Price(
        id="prc_1",
        project="",
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        resource="cpu",
        unit="ms",
        micro=micro,
        exponent=exponent,
    )


class TestAmountOf:
    def test_a_small_price_does_not_round_to_nothing(self) -> None:
        price = make_price(100_000, 6)
        total, carried = 0, 0

        for _ in range(100):
            amount, carried = amount_of(price, 1, carried)
            total += amount

        assert total == 10

    @given(
        st.integers(0, 10**9),
        st.integers(0, 12),
        st.lists(st.integers(0, 10**12), max_size=20),
    )
    def test_pieces_cost_what_the_whole_costs(
        self, micro: int, exponent: int, quantities: list[int]
    ) -> None:
        price = make_price(micro, exponent)
        total, carried = 0, 0

        for quantity in quantities:
            amount, carried = amount_of(price, quantity, carried)
            total += amount

        assert (total, carried) == amount_of(price, sum(quantities), 0)
