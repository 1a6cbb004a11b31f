TWICE = "x,y,label\n" + "".join(f"{row // 2},{row % 3},{'ab'[row // 2 % 2]}\n" for row in range(60))


class TestDropDuplicates:
    def test_the_first_of_equal_rows_stays(self, cleaned):
        lines = [f"{row},{'ab'[row % 2]}" for row in range(40)]
        found = cleaned(
            "\n".join(["x,label", *lines, *lines[:10], ""]), {"step": "drop_duplicates"}
        )

        rows = found.column("x") + found.column("x", "untouched")
        assert sorted(rows, key=int) == [str(row) for row in range(40)]
        assert (found.step["rows_in"], found.step["rows_out"]) == (50, 40)

    def test_some_columns_are_enough_and_the_untouched_row_is_the_one_that_stays(self, cleaned):
        before = cleaned(TWICE)
        found = cleaned(TWICE, {"step": "drop_duplicates", "columns": ["x"]})

        untouched = set(before.column("x", "untouched"))
        assert set(found.column("x", "untouched")) == untouched
        assert not set(found.column("x")) & untouched
        assert found.manifest.rows.train + found.manifest.rows.untouched == 30
