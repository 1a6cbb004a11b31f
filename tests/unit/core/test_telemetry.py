import os
import subprocess
import sys

import pytest

from pileus.core.telemetry import OFF

PARITY = """
from pileus.training.parity import Graph
try:
    Graph("none.onnx", 1)
except Exception as error:
    assert "NO_SUCHFILE" in str(error), error
"""


@pytest.mark.parametrize(
    "code",
    [
        "import pileus.inference.runtimes.onnx",
        PARITY,
    ],
    ids=["serving", "training"],
)
def test_onnx_runtime_keeps_no_id_and_no_events(tmp_path, code):
    # It is silent by itself where a variable such as CI says that nobody is at home.
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}

    subprocess.run([sys.executable, "-c", code], env=kept | {"HOME": str(tmp_path)}, check=True)

    assert list(tmp_path.iterdir()) == []
    assert not OFF.keys() & kept.keys()
