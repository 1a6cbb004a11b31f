from pileus.cli.commands.model import _takes


class TestTakes:
    def test_a_model_that_cleans_its_rows_says_so(self):
        columns = [{"name": "age", "prepared": [{"do": "fill"}]}, {"name": "city"}]

        said = _takes({"inputs": [{"name": "features", "columns": columns}]})

        assert said == ("rows as they were before cleaning; it fills, clips or scales age itself")

    def test_others_say_nothing(self):
        assert _takes({}) is None
        assert _takes({"inputs": [{"name": "image", "columns": None}]}) is None
