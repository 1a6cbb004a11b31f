import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.data import row_index, row_split
from pileus.data.row_index import NOT_GIVEN, TRAIN, UNTOUCHED, RowIndex
from pileus.data.row_split import split_rows
from pileus.data.split import untouched_mask


def mask_of(scratch, keys, labels, share, classes, sides=None):
    with RowIndex(scratch / "index") as index:
        sides = sides or [NOT_GIVEN] * len(keys)
        index.add(np.array(keys, dtype=np.uint64), [1] * len(keys), labels, sides)
        split = split_rows(index, classes, share, scratch)
        return np.concatenate([split.untouched(chunk) for chunk in index.chunks()]), split


@pytest.fixture
def scratch(tmp_path_factory):
    return tmp_path_factory.mktemp("split")


class TestSplitRows:
    @given(st.data())
    def test_is_the_choice_of_the_mask(self, tmp_path_factory, data):
        rows = data.draw(st.integers(1, 60))
        classes = data.draw(st.integers(1, 4))
        # A row's label is part of its content, so a key has one label.
        chosen = st.integers(0, 40).map(lambda n: (n * 2**64 // 41, n % classes))
        pairs = data.draw(st.lists(chosen, min_size=rows, max_size=rows))
        keys, labels = [key for key, _ in pairs], [label for _, label in pairs]
        share = data.draw(st.sampled_from([0.1, 0.2, 0.5, 0.9]))
        expected = untouched_mask(np.array(keys, np.uint64), np.array(labels), share)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(row_split, "_BUCKET_ROWS", data.draw(st.sampled_from([1, 7, 1000])))
            patch.setattr(row_index, "CHUNK_ROWS", data.draw(st.sampled_from([3, 1000])))
            scratch = tmp_path_factory.mktemp("split")
            mask, split = mask_of(scratch, keys, labels, share, classes)

        assert mask.tolist() == expected.tolist()
        assert split.distinct.sum() == len(set(keys))
        assert not list(scratch.iterdir())

    def test_without_classes_all_rows_are_one(self, scratch):
        keys = [n << 60 for n in range(10)]

        mask, _ = mask_of(scratch, keys, [-1] * 10, 0.3, None)

        assert mask.tolist() == [True] * 3 + [False] * 7

    def test_given_sides_are_kept(self, scratch):
        mask, split = mask_of(scratch, [1, 2, 3], [0, 0, 0], 0.5, 1, [TRAIN, UNTOUCHED, TRAIN])

        assert split.is_given
        assert mask.tolist() == [False, True, False]
