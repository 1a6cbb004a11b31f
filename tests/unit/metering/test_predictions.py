"""Meters of gateways, sound and damaged."""

from __future__ import annotations

import pytest

from pileus.core.schemas.metering import Counter, MeterReport
from pileus.metering.predictions import MAX_COUNT, PredictionMeters
from pileus.metering.store import ledger as entries


@pytest.fixture
def meters(database, ledger):
    return PredictionMeters(database, ledger)


@pytest.fixture
async def price(prices):
    return next(p.id for p in await prices.current() if p.resource == "prediction")


def counter(price, **update):
    base = {
        "slot": 0,
        "project": "prj_1",
        "token": "tok_1",
        "revision": "rvn_1",
        "price_id": price,
        "requests": 0,
        "predictions": 0,
        "bytes_in": 0,
        "bytes_out": 0,
        "errors": 0,
    }
    return Counter.model_validate(base | update)


def report(sequence, *counters):
    return MeterReport(source="ab", lane=1, sequence=sequence, counters=counters)


async def predictions(database):
    found = await database.read(entries.find)
    return sum(entry.quantity for entry in found if entry.resource == "prediction")


class TestTake:
    async def test_a_counter_that_shrank_takes_nothing_back(self, meters, database, price):
        for sequence, count in enumerate([10, 3, 12], start=1):
            await meters.take(report(sequence, counter(price, predictions=count)))

        assert await predictions(database) == 12

    @pytest.mark.parametrize(
        "damage",
        [
            {"price_id": "prc_gone"},
            {"project": "prj_gone"},
            {"predictions": -5},
            {"predictions": MAX_COUNT + 1},
            {"bytes_out": 2**70},
            {"slot": 2**70},
            {"slot": 7},
        ],
    )
    async def test_a_damaged_counter_does_not_hold_up_the_others(
        self, meters, database, price, damage
    ):
        bad = counter(price, **({"slot": 1, "predictions": 9} | damage))
        good = counter(price, slot=7, predictions=4)

        first = (good, bad) if damage == {"slot": 7} else (bad, good)
        taken = await meters.take(report(1, *first))

        assert taken == 1
        assert await predictions(database) == 4

    async def test_reports_out_of_order_change_nothing(self, meters, database, price):
        await meters.take(report(5, counter(price, predictions=9)))

        assert await meters.take(report(3, counter(price, predictions=4))) == 5
        assert await predictions(database) == 9
