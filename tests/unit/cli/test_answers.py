from pileus.cli.answers import answers, prediction_id


class TestAnswers:
    def test_a_class_comes_with_its_probability(self):
        answer = {
            "outputs": [
                {"name": "probabilities", "shape": [2, 2], "data": [0.9, 0.1, 0.2, 0.8]},
                {"name": "class_index", "shape": [2], "data": [0, 1]},
                {"name": "label", "shape": [2], "data": ["cat", "dog"]},
            ]
        }

        assert answers(answer) == [("cat", 0.9), ("dog", 0.8)]

    def test_a_regression_is_a_value(self):
        assert answers({"outputs": [{"name": "value", "shape": [1, 1], "data": [2.5]}]}) == [
            ("2.5", None)
        ]

    def test_the_id_is_in_the_parameters(self):
        assert prediction_id({"parameters": {"prediction_id": "prd_1"}, "outputs": []}) == "prd_1"
