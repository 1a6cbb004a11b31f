import numpy as np
import pytest

from pileus.data.profile.distinct import Distinct, hashes


def hashed(numbers):
    return hashes(str(number).encode() for number in numbers)


class TestDistinct:
    def test_is_exact_up_to_its_capacity(self):
        distinct = Distinct(1000)
        distinct.see(hashed([*range(900), *range(100)]))

        assert (distinct.count(), distinct.is_exact) == (900, True)

    def test_estimates_beyond_it(self):
        distinct = Distinct(1000)
        for start in range(0, 20_000, 500):
            distinct.see(hashed(range(start, start + 500)))
            distinct.see(hashed(range(start, start + 250)))

        assert not distinct.is_exact
        assert distinct.count() == pytest.approx(20_000, rel=0.05)

    def test_knows_beyond_it_that_nothing_repeats(self):
        distinct = Distinct(100)
        distinct.see(hashed(range(5000)))

        assert distinct.count() == 5000

    def test_one_content_that_is_most_rows_does_not_decide_the_estimate(self):
        distinct = Distinct(1000)
        distinct.see(hashed(range(10_000)))
        for _ in range(20):
            distinct.see(np.repeat(hashed([3]), 5000))

        assert distinct.count() == pytest.approx(10_000, rel=0.1)

    def test_does_not_depend_on_order(self):
        numbers = hashed([*range(5000), *range(2500)])
        forwards, backwards = Distinct(500), Distinct(500)
        for batch in np.array_split(numbers, 30):
            forwards.see(batch)
        for batch in np.array_split(numbers[::-1], 7):
            backwards.see(batch)

        assert forwards.count() == backwards.count()

    def test_tells_what_two_share_and_joins_them(self):
        first, second = Distinct(1000), Distinct(1000)
        first.see(hashed(range(600)))
        second.see(hashed(range(500, 700)))

        assert first.shared(second) == 100
        assert first.joined(second).count() == 700
