class TestDropMissing:
    def test_rows_with_a_gap_go(self, cleaned, numbers):
        found = cleaned(numbers, {"step": "drop_missing"})

        assert "" not in found.column("x") + found.column("x", "untouched")
        assert (found.step["rows_in"], found.step["rows_out"]) == (60, 54)

    def test_all_means_all_of_the_columns(self, cleaned, numbers):
        assert cleaned(numbers, {"step": "drop_missing", "how": "all"}).step["rows_out"] == 60
        step = {"step": "drop_missing", "how": "all", "columns": ["x"]}
        assert cleaned(numbers, step).step["rows_out"] == 54
