import subprocess
import sys

import pytest

from pileus.training.catalogue import RECIPES, RecipeTable, configure, parameter_names
from pileus.training.errors import InvalidConfig, UnknownRecipe


class TestConfigure:
    @pytest.mark.parametrize("name", RECIPES)
    def test_every_recipe_has_defaults(self, name):
        config = configure(name, {})

        assert config.optimizer in config.peak_learning_rate
        assert {"epochs", "batch_size", "seed", "image_size"} <= set(parameter_names(name))

    def test_names_are_taken_as_on_the_command_line(self):
        assert configure("cnn", {"batch-size": "32"}).batch_size == 32

    def test_an_unknown_recipe_lists_the_recipes(self):
        with pytest.raises(UnknownRecipe, match="'forest'") as caught:
            configure("forest", {})

        assert caught.value.hint == "Recipes are cnn, logistic-regression, mlp."

    def test_an_unknown_parameter_is_named_beside_the_known_ones(self):
        with pytest.raises(InvalidConfig, match="no parameter 'epoch'") as caught:
            configure("cnn", {"epoch": 3})

        assert "Did you mean 'epochs'?" in str(caught.value.hint)
        assert "batch_size" in str(caught.value.hint)

    @pytest.mark.parametrize(
        "parameters,words",
        [
            ({"epochs": 0}, "'epochs' of recipe 'mlp' is 0"),
            ({"epochs": "many"}, "'epochs' of recipe 'mlp' is 'many'"),
            ({"optimizer": "adagrad"}, "'optimizer' of recipe 'mlp' is 'adagrad'"),
            ({"learning_rate": float("nan")}, "'learning_rate' of recipe 'mlp' is nan"),
        ],
    )
    def test_a_value_that_does_not_fit_is_named(self, parameters, words):
        with pytest.raises(InvalidConfig, match=words):
            configure("mlp", parameters)


class TestRecipeTable:
    def test_what_the_attempt_reads_is_complete(self):
        prepared = RecipeTable().prepare("cnn", {"epochs": 3})

        assert prepared.entry == "pileus.training.main"
        assert prepared.environment == "torch"
        assert prepared.params["recipe"] == "cnn"
        assert prepared.params["config"]["epochs"] == 3
        assert configure("cnn", prepared.params["config"]) == configure("cnn", {"epochs": 3})
        assert len(prepared.code_digest) == 64

    def test_neither_torch_nor_numpy_is_loaded_to_check_parameters(self):
        code = (
            "import sys; from pileus.training.catalogue import RecipeTable, RECIPES;"
            "[RecipeTable().prepare(name, {}) for name in RECIPES];"
            "print({'torch', 'numpy', 'onnxruntime'} & set(sys.modules))"
        )

        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

        assert done.stdout.decode().strip() == "set()"
