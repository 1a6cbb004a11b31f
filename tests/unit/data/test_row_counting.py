import numpy as np

from pileus.data.row_counting import RowCounting

SPREAD = 0x9E3779B97F4A7C15


def rows(*numbers):
    return np.array(numbers, dtype=np.uint64) * np.uint64(SPREAD)


def counted(**sides):
    with RowCounting() as counting:
        for name, numbers in sides.items():
            which, split = name.split("_")
            counting.see(which, split, rows(*numbers))  # type: ignore[arg-type]
        found = counting.contents(0, None)
    return {"added": found.added, "removed": found.removed, "moved": found.moved}, found.unchanged


class TestRowCounting:
    def test_counts_what_came_and_went(self):
        assert counted(a_train=[1, 2, 3], b_train=[2, 3, 4, 5]) == (
            {"added": 2, "removed": 1, "moved": 0},
            2,
        )

    def test_a_row_on_the_other_side_moved(self):
        assert counted(a_train=[1, 2], b_train=[1], b_untouched=[2]) == (
            {"added": 0, "removed": 0, "moved": 1},
            1,
        )

    def test_copies_count_one_by_one(self):
        assert counted(a_train=[7, 7], b_train=[7], b_untouched=[7, 7]) == (
            {"added": 1, "removed": 0, "moved": 1},
            1,
        )

    def test_many_rows_spread_over_all_ranges(self):
        many = range(1, 5001)

        assert counted(a_train=many, b_train=[*many, *many]) == (
            {"added": 5000, "removed": 0, "moved": 0},
            5000,
        )
