import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.data.errors import SplitRefused
from pileus.data.split import check_share, key, untouched_mask

contents = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4)), min_size=1, max_size=60)
shares = st.floats(0.01, 0.99)


def mask(pairs, share, seed=0):
    keys = [key(seed, hashlib.sha256(bytes([content])).digest()) for content, _ in pairs]
    labels = np.array([label for _, label in pairs], dtype=np.int64)
    return untouched_mask(np.array(keys, dtype=np.uint64), labels, share).tolist()


class TestUntouchedMask:
    @settings(deadline=None)
    @given(contents, shares)
    def test_equal_contents_are_on_one_side(self, pairs, share):
        sides: dict[int, bool] = {}
        for (content, _), side in zip(pairs, mask(pairs, share), strict=True):
            assert sides.setdefault(content, side) == side

    @settings(deadline=None)
    @given(contents, shares, st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, pairs, share, random):
        shuffled = random.sample(pairs, len(pairs))

        assert dict(zip(pairs, mask(pairs, share), strict=True)) == dict(
            zip(shuffled, mask(shuffled, share), strict=True)
        )

    @settings(deadline=None)
    @given(contents, shares)
    def test_every_class_is_trained_on(self, pairs, share):
        chosen = mask(pairs, share)

        for label in {label for _, label in pairs}:
            assert not all(
                side for (_, one), side in zip(pairs, chosen, strict=True) if one == label
            )

    @settings(deadline=None)
    @given(contents, shares)
    def test_a_class_with_two_contents_of_its_own_is_on_both_sides(self, pairs, share):
        chosen = mask(pairs, share)

        for label in {label for _, label in pairs}:
            others = {content for content, one in pairs if one != label}
            own = {content for content, one in pairs if one == label} - others
            sides = {
                side for (content, _), side in zip(pairs, chosen, strict=True) if content in own
            }
            assert len(own) < 2 or sides == {True, False}

    def test_a_class_whose_second_content_is_shared_is_on_both_sides(self):
        pairs = [(1, 0), (2, 0), (2, 1), (3, 1), (4, 1)]

        chosen = mask(pairs, 0.2)

        assert sum(chosen[:2]) == 1

    def test_the_share_is_kept_in_each_class(self):
        pairs = [(content, content % 2) for content in range(200)]

        chosen = np.array(mask(pairs, 0.25))

        assert chosen[0::2].sum() == 25
        assert chosen[1::2].sum() == 25

    def test_another_seed_is_another_split(self):
        pairs = [(content, 0) for content in range(100)]

        assert mask(pairs, 0.2, seed=0) != mask(pairs, 0.2, seed=1)

    def test_without_labels_the_share_is_of_all(self):
        keys = np.arange(50, dtype=np.uint64)

        assert untouched_mask(keys, None, 0.2).sum() == 10

    def test_the_key_never_changes(self):
        assert key(0, b"content") == 11746582728840263751
        assert key(7, b"content") == 3859194262446257431


class TestCheckShare:
    @pytest.mark.parametrize("share", [0, 1, -0.1, 2, float("nan")])
    def test_a_share_that_empties_a_side_is_refused(self, share):
        with pytest.raises(SplitRefused, match="untouched share"):
            check_share(share)
