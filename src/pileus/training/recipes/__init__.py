"""A folder for each recipe: `recipe.py` (its parameters), `model.py` (its network), `README.md`."""
