"""What a lease used does not depend on how often it was sliced."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from pileus.core.schemas.jobs import Lease
from pileus.core.schemas.metering import Price
from pileus.core.schemas.resources import Resources
from pileus.metering.leases import cost_until, slice_of

START = datetime(2026, 1, 1, tzinfo=UTC)
RESOURCES = Resources(cpu=1.5, memory_mib=333, gpu=0.5, custom={"fpga": 2})

PRICE = Price(id="p", project="", created_at=START, resource="cpu", unit="ms", micro=3, exponent=1)
BOOK = {"p": PRICE}


def make_lease() -> Lease:
    return Lease(
        id="lse_1",
        project="prj_1",
        created_at=START,
        attempt="att_1",
        job="job_1",
        node="nod_1",
        token="t",
        resources=RESOURCES,
        expires_at=START,
        metered_until=START,
        price_ids={"cpu": "p", "memory": "p", "gpu": "p", "custom:fpga": "p"},
    )


def used(lease: Lease, *moments: datetime) -> Counter[str]:
    total: Counter[str] = Counter()
    for moment in moments:
        lease, uses = slice_of(lease, moment)
        for use in uses:
            total[use.resource] += use.quantity
    return total


class TestSliceOf:
    def test_ten_seconds_of_everything(self) -> None:
        total = used(make_lease(), START + timedelta(seconds=10))

        assert total == {"cpu": 15_000, "memory": 3_330, "gpu": 5_000, "custom:fpga": 20_000}

    @given(st.lists(st.integers(0, 10**9), max_size=10), st.integers(10**9, 2 * 10**9))
    def test_slices_add_up_to_one_slice(self, microseconds: list[int], end: int) -> None:
        last = START + timedelta(microseconds=end)
        moments = [START + timedelta(microseconds=m) for m in microseconds]

        assert used(make_lease(), *moments, last) == used(make_lease(), last)

    def test_a_clock_that_went_back_takes_nothing_back(self) -> None:
        lease, _ = slice_of(make_lease(), START + timedelta(seconds=5))

        after, uses = slice_of(lease, START + timedelta(seconds=3))

        assert (after, uses) == (lease, [])


class TestCostUntil:
    def test_it_is_the_price_of_all_since_the_grant(self) -> None:
        cost = cost_until(make_lease(), START + timedelta(seconds=10), BOOK)

        assert cost == (15_000 + 3_330 + 5_000 + 20_000) * 3 // 10

    def test_what_is_on_the_ledger_already_changes_nothing(self) -> None:
        until = START + timedelta(seconds=10)
        metered, _ = slice_of(make_lease(), START + timedelta(seconds=7))

        assert cost_until(metered, until, BOOK) == cost_until(make_lease(), until, BOOK)
