"""A wheel made on the spot, and whether there is a uv to install it."""

import shutil
import sys
import zipfile
from pathlib import Path

import pytest

_OURS = Path(sys.executable).parent

HAS_UV = shutil.which("uv") is not None or (_OURS / "uv").is_file()
needs_uv = pytest.mark.skipif(not HAS_UV, reason="needs uv, of the extra 'environments'")


def make_wheel(folder, name="tinylesson", version="1.0"):
    """A wheel of one module that has a `WORD`, and of one program of the same name."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    wheel = folder / f"{name}-{version}-py3-none-any.whl"
    files = {
        f"{name}.py": f"WORD = 'learned {version}'\n\ndef main():\n    print(WORD)\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name} = {name}:main\n",
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{info}/RECORD"))
    with zipfile.ZipFile(wheel, "w") as written:
        for path, text in (files | {f"{info}/RECORD": record}).items():
            written.writestr(zipfile.ZipInfo(path), text)  # the same bytes whenever it is made
    return wheel
