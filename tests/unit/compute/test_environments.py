"""What a node's warm processes import."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pileus.compute.environments import ENVIRONMENTS
from pileus.training.catalogue import ENVIRONMENT, RECIPES

# A zygote leaves out what cannot be imported, and forks nothing once it has a second thread.
IMPORTING = """
import importlib, os, sys
for module in sys.argv[1:]:
    importlib.import_module(module)
print(len(os.listdir("/proc/self/task")))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="zygotes are of Linux")
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_all_of_it_can_be_imported_and_starts_no_thread(name, tmp_path):
    environment = ENVIRONMENTS[name]
    if "torch" in environment.modules:
        pytest.importorskip("torch")
    words = [sys.executable, "-c", IMPORTING, *environment.modules, *environment.warm]
    env = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    env["MPLCONFIGDIR"] = str(tmp_path)

    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_every_recipe_is_imported_before_a_training_asks_for_it():
    warm = set(ENVIRONMENTS[ENVIRONMENT].warm)

    assert {f"{package}.recipe" for package in RECIPES.values()} <= warm
