"""
Fits a recipe's model to a dataset version and leaves a bundle: runs inside an attempt.

Files to files: reads `inputs/data`, writes `out/`. Knows no server, job engine or registry. Torch is
imported here and nowhere else; `catalogue.py`, `config.py` and each `recipe.py` do without it, so
that server and CLI can check parameters. Start at `main.py`.
"""
