import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pileus.training.validation import hold_back


class TestHoldBack:
    def test_each_class_gives_its_share(self):
        targets = np.array([0] * 100 + [1] * 50)

        kept, held = hold_back(targets, 0.1, seed=0, stratified=True)

        assert np.bincount(targets[held]).tolist() == [10, 5]
        assert np.bincount(targets[kept]).tolist() == [90, 45]

    def test_the_seed_alone_decides(self):
        targets = np.arange(100) % 3

        same = [hold_back(targets, 0.2, 5, stratified=True)[1].tolist() for _ in range(2)]
        other = hold_back(targets, 0.2, 6, stratified=True)[1].tolist()

        assert same[0] == same[1]
        assert same[0] != other

    def test_a_class_of_one_row_is_fitted(self):
        targets = np.array([0] * 20 + [1])

        kept, _ = hold_back(targets, 0.5, 0, stratified=True)

        assert 1 in targets[kept]

    @given(
        targets=st.lists(st.integers(0, 4), min_size=1, max_size=60),
        share=st.floats(0.01, 0.5),
        seed=st.integers(0, 1000),
        stratified=st.booleans(),
    )
    def test_every_row_is_on_one_side_and_something_is_left_to_fit(
        self, targets, share, seed, stratified
    ):
        kept, held = hold_back(np.array(targets), share, seed, stratified=stratified)

        assert sorted([*kept, *held]) == list(range(len(targets)))
        assert len(kept) >= 1
