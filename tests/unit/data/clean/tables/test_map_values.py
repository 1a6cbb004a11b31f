COLOURS = "x,colour,label\n" + "".join(
    f"{row},{('red', 'rot', 'blue', '')[row % 4]},{'ab'[row // 4 % 2]}\n" for row in range(80)
)


class TestMapValues:
    def test_values_become_others_and_the_rest_stays(self, cleaned):
        found = cleaned(
            COLOURS, {"step": "map_values", "column": "colour", "values": {"rot": "red"}}
        )

        assert found.manifest.columns[1].values == ("blue", "red")
        assert found.step["changed"] == 20

    def test_the_rest_may_become_one_value_and_gaps_stay(self, cleaned):
        step = {
            "step": "map_values",
            "column": "colour",
            "values": {"red": "warm"},
            "otherwise": "cold",
        }

        assert set(cleaned(COLOURS, step).column("colour")) == {"warm", "cold", ""}
