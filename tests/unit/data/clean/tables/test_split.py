import pytest

from pileus.data.clean.errors import StepRefused
from pileus.data.errors import SplitRefused


@pytest.fixture
def visits():
    lines = [f"p{row % 23},2026-01-{row % 28 + 1:02},{row},{'ab'[row % 2]}" for row in range(200)]
    return "\n".join(["patient,day,x,label", *lines, ""])


def sides(found, column):
    return set(found.column(column)), set(found.column(column, "untouched"))


class TestSplit:
    def test_rows_of_one_group_are_on_one_side(self, cleaned, visits):
        found = cleaned(visits, {"step": "split", "how": "grouped", "by": "patient"})

        train, untouched = sides(found, "patient")
        assert train
        assert untouched
        assert not train & untouched
        assert found.manifest.rows.untouched == pytest.approx(40, abs=9)
        assert (found.manifest.split.how, found.manifest.split.by) == ("grouped", "patient")

    def test_the_newest_rows_stay_untouched_and_equal_times_stay_together(self, cleaned, visits):
        found = cleaned(visits, {"step": "split", "how": "time", "by": "day", "untouched": 0.3})

        train, untouched = sides(found, "day")
        assert max(train) < min(untouched)
        assert found.manifest.rows.untouched == pytest.approx(60, abs=8)

    def test_a_stratified_one_is_that_of_the_ingest(self, cleaned, visits):
        step = {"step": "split", "untouched": 0.2}

        assert cleaned(visits, step).manifest.rows == cleaned(visits).manifest.rows
        assert sides(cleaned(visits, step), "x") == sides(cleaned(visits), "x")

    def test_another_seed_draws_other_groups(self, cleaned, visits):
        step = {"step": "split", "how": "grouped", "by": "patient"}

        first, again, other = (cleaned(visits, step, seed=seed) for seed in (1, 1, 2))

        assert first.manifest.id == again.manifest.id
        assert sides(first, "patient") != sides(other, "patient")

    def test_a_time_that_is_none_is_named(self, cleaned, visits):
        with pytest.raises(StepRefused, match=r"'p[0-9]+' of column 'patient' is neither"):
            cleaned(visits, {"step": "split", "how": "time", "by": "patient"})

    def test_one_group_cannot_be_divided(self, cleaned):
        lines = [f"g,{row},{'ab'[row % 2]}" for row in range(20)]
        with pytest.raises(SplitRefused, match="leaves one side empty"):
            cleaned(
                "\n".join(["g,x,label", *lines, ""]), {"step": "split", "how": "grouped", "by": "g"}
            )
