import numpy as np

from pileus.data.profile.sampling import CAPACITY, Sample, capacity_of, places


class TestPlaces:
    def test_are_the_same_on_every_machine_and_differ_by_side(self):
        assert places("train", 0, 2).tolist() == [16294208416658607535, 7960286522194355700]
        assert not set(places("train", 0, 1000).tolist()) & set(
            places("untouched", 0, 1000).tolist()
        )

    def test_do_not_depend_on_how_rows_are_batched(self):
        assert places("train", 0, 10).tolist()[4:] == places("train", 4, 6).tolist()


class TestSample:
    def test_keeps_everything_up_to_its_capacity(self):
        sample = Sample()
        sample.see(places("train", 0, 100), np.arange(100.0))

        assert sample.values().tolist() == list(range(100))

    def test_of_more_is_bounded_and_close_to_the_whole(self):
        sample = Sample()
        for start in range(0, 200_000, 1000):
            values = np.arange(start, start + 1000, dtype=np.float64)
            sample.see(places("train", start, 1000), values)

        values = sample.values()

        assert len(values) == CAPACITY
        assert abs(np.median(values) / 200_000 - 0.5) < 0.015

    def test_of_both_sides_is_the_sample_of_all_rows(self):
        train, untouched, all_rows = Sample(), Sample(), Sample()
        for sample, side, rows in ((train, "train", 30_000), (untouched, "untouched", 9000)):
            at, values = places(side, 0, rows), np.arange(rows, dtype=np.float64)
            sample.see(at, values)
            all_rows.see(at, values)

        assert train.joined(untouched).values().tolist() == all_rows.values().tolist()


class TestCapacity:
    def test_of_many_columns_together_is_bounded(self):
        assert capacity_of(1) == capacity_of(200) == CAPACITY
        assert [capacity_of(count) * count for count in (500, 4000)] == [2_000_000] * 2
        assert capacity_of(1_000_000) == 256
