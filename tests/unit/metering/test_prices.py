"""The price book."""

from __future__ import annotations

import pytest

from pileus.metering.errors import PriceNotFound, PriceRefused
from tests.unit.metering.test_storage import OPERATOR


class TestChange:
    @pytest.mark.parametrize(
        "micro,exponent", [(-1, 0), (1, 13), (10**16, 12), (10**9, 0), (2**70, 0), (1, -1)]
    )
    async def test_a_price_out_of_range_is_refused(self, prices, micro, exponent):
        with pytest.raises(PriceRefused, match=str(micro)):
            await prices.change(OPERATOR, "cpu", micro, exponent)

    async def test_there_is_one_current_price_of_each_resource(self, prices):
        before = [price.resource for price in await prices.current()]

        changed = await prices.change(OPERATOR, "cpu", 5, 1)
        await prices.ensure_defaults()

        current = await prices.current()
        assert [price.resource for price in current] == before
        assert changed in current

    async def test_an_unknown_resource_has_no_price(self, prices):
        with pytest.raises(PriceNotFound, match="tpu"):
            await prices.change(OPERATOR, "tpu", 1, 0)
