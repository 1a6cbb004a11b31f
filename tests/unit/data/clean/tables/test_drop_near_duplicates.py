WORDS = "the quick brown fox jumps over the lazy dog and runs away from the hunter in the wood"


def lines(*rows):
    some = [
        f"{row},City {row},{'ab'[row % 2]},word{row} {WORDS[row:]}{row * 7919}" for row in range(30)
    ]
    return "\n".join(["n,city,label,text", *some, *rows, ""])


class TestCells:
    def test_case_spaces_and_rounding_do_not_make_another_row(self, cleaned):
        text = lines("5.0000001,  CITY   5,b,other")
        step = {"step": "drop_near_duplicate_rows", "columns": ["n", "city", "label"], "digits": 5}

        found = cleaned(text, step)

        assert (found.step["rows_in"], found.step["rows_out"]) == (31, 30)

    def test_a_number_that_differs_does(self, cleaned):
        found = cleaned(lines("5.1,City 5,b,other"), {"step": "drop_near_duplicate_rows"})

        assert found.step["rows_out"] == 31


class TestTexts:
    def test_a_little_of_a_text_may_differ(self, cleaned):
        text = lines(
            f"40,City 4,a,{WORDS} {WORDS.upper()} yes", f"40,City 4,a,{WORDS}  {WORDS} yes!"
        )
        step = {"step": "drop_near_duplicate_rows", "texts": ["text"], "similarity": 0.8}

        found = cleaned(text, step)

        assert (found.step["rows_in"], found.step["rows_out"]) == (32, 31)

    def test_but_not_the_label(self, cleaned):
        text = lines(f"40,City 4,a,{WORDS}", f"40,City 4,b,{WORDS}")

        found = cleaned(text, {"step": "drop_near_duplicate_rows", "texts": ["text"]})

        assert found.step["rows_out"] == 32
