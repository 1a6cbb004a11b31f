"""
A warm process: has done an environment's imports, and forks attempts.

It imports, and never executes an operation, touches an accelerator or holds a secret: after one
torch operation in the parent, forked children were seen to hang. It has one thread when it forks,
or refuses to. Requests come through an inherited socket, which nobody else can reach; it ends when
the socket closes, or after a time without requests. Linux only.
"""

from __future__ import annotations

import gc
import importlib
import io
import json
import os
import random
import select
import signal
import socket
import sys
import traceback
from contextlib import suppress
from typing import Any

from pileus.compute import entry, processes, runner
from pileus.compute.command import Outputs, redirect
from pileus.compute.files import read_json
from pileus.compute.layout import PRIVATE_FILE, Layout

MAX_REQUEST_BYTES = 65536

BROKEN = "broken"
UNFIT = "unfit"


def main(arguments: list[str]) -> int:
    """Serve one environment until there is nothing more to do."""
    options = json.loads(arguments[0])
    requests = socket.socket(fileno=options["socket"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the worker in front of us
    broken = _import_all(options["modules"])
    if broken is None:
        for module in options["warm"]:
            with suppress(Exception):  # the attempt that needs it says why it cannot be had
                importlib.import_module(module)
    # Nobody waits for runners: the system does it, and our end does not matter to them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    # Collected objects stay out of the children's collections, which would copy their pages.
    gc.collect()
    gc.freeze()
    while select.select([requests], [], [], options["idle_seconds"])[0]:
        message, descriptors, _, _ = socket.recv_fds(requests, MAX_REQUEST_BYTES, 1)
        if not message:
            return 0
        reply = descriptors[0]
        refusal = broken or _unfit()
        if refusal is not None:
            with suppress(OSError):
                os.write(reply, json.dumps(refusal).encode())
        else:
            _fork_runner(json.loads(message), requests, reply, is_parent=options["is_parent"])
        os.close(reply)
    return 0


def _import_all(modules: list[str]) -> dict[str, str] | None:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001  what a package does at import is its own
            traceback.print_exc()
            return {"refusal": BROKEN, "message": f"{module!r} cannot be imported: {error}"}
    return None


def _unfit() -> dict[str, str] | None:
    threads = processes.threads()
    if threads == 1:
        return None
    return {"refusal": UNFIT, "message": f"{threads} threads, where a fork needs 1"}


def _fork_runner(
    request: dict[str, Any], requests: socket.socket, reply: int, *, is_parent: bool
) -> None:
    if os.fork():
        return
    try:
        if not is_parent and os.fork():
            os._exit(0)  # and the runner is nobody's child
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        requests.close()
        os.setsid()
        _lead(Layout(request["directory"]), request["entry"], reply)
    except BaseException:  # noqa: BLE001  a fork must not run on in the parent's code
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _lead(layout: Layout, module: str | None, reply: int) -> None:
    log = os.open(layout.runner_log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, PRIVATE_FILE)
    for stream in (1, 2):
        os.dup2(log, stream)
    os.close(log)
    launch = read_json(layout.launch)
    if launch is None:
        raise FileNotFoundError(str(layout.launch))

    def begin(launch: dict[str, Any], outputs: Outputs | None) -> int:
        if module is None:
            return runner.spawn(layout, launch, outputs)
        return _fork_attempt(layout, launch, module, outputs)

    runner.lead(layout, launch, begin, reply)


def _fork_attempt(
    layout: Layout, launch: dict[str, Any], module: str, outputs: Outputs | None
) -> int:
    os.chdir(layout.work)
    # A request to stop waits until the attempt has its own way to take it.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    pid = os.fork()
    if pid:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
        with suppress(OSError):  # both sides do it, so that neither has to wait for the other
            os.setpgid(pid, pid)
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        code = _be_the_attempt(layout, launch, module, outputs)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:  # noqa: BLE001  a fork must not run on in the parent's code
        traceback.print_exc()
    finally:
        os._exit(code)


def _be_the_attempt(
    layout: Layout, launch: dict[str, Any], module: str, outputs: Outputs | None
) -> int:
    signal.set_wakeup_fd(-1)
    for signum in (signal.SIGTERM, signal.SIGCHLD):
        signal.signal(signum, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    redirect(layout, outputs)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # a log is read while it is written
    os.environ.clear()  # noqa: TID251  an attempt has the environment of its launch, not ours
    os.environ.update(launch["env"])  # noqa: TID251  the same
    for path in reversed(launch["env"].get("PYTHONPATH", "").split(os.pathsep)):
        if path and path not in sys.path:  # what an interpreter that starts does by itself
            sys.path.insert(0, path)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        # Forks inherit the state of its global generator: all would draw the same numbers.
        numpy.random.seed(random.SystemRandom().getrandbits(32))
    attempt = entry.current()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    return entry.run(module, attempt)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
