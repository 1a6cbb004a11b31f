import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.data.clean.dividing import grouped_mask, newest_mask


class TestGroupedMask:
    @settings(deadline=None)
    @given(st.lists(st.integers(0, 30), min_size=2, max_size=200), st.floats(0.01, 0.99))
    def test_a_group_is_on_one_side_and_both_have_one(self, groups, share):
        mask = grouped_mask(np.array(groups, dtype=np.uint64), share)

        chosen = {group for group, side in zip(groups, mask, strict=True) if side}
        others = {group for group, side in zip(groups, mask, strict=True) if not side}
        assert not chosen & others
        assert (bool(chosen) and bool(others)) == (len(set(groups)) > 1)


class TestNewestMask:
    @settings(deadline=None)
    @given(st.lists(st.integers(-5, 30), min_size=2, max_size=200), st.floats(0.01, 0.99))
    def test_all_that_is_untouched_is_newer_than_the_rest(self, times, share):
        mask = newest_mask(np.array(times, dtype=np.float64), share)

        chosen = [time for time, side in zip(times, mask, strict=True) if side]
        others = [time for time, side in zip(times, mask, strict=True) if not side]
        assert (bool(chosen) and bool(others)) == (len(set(times)) > 1)
        assert not chosen or max(others) < min(chosen)
