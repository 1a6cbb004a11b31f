"""Ports that the processes of an installation listen on: chosen, and checked to be free."""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable

from pileus.core.errors import Conflict, InvalidRequest

PATIENCE_SECONDS = 6.0
"""After a supervisor was killed its children take up to 5 s to let go of their ports."""


class PortTaken(Conflict, code="port_in_use"):
    """Somebody else listens on the port."""


class AddressNotUsable(InvalidRequest, code="address_not_usable"):
    """The host or port is not one that this machine can listen on."""


def choose(host: str, port: int, option: str) -> int:
    """`port` if it is free, any free one when it is 0. Raises PortTaken, AddressNotUsable.

    `option` is the flag that names another port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise PortTaken(
                    f"Port {port} of {host!r} is taken by another program",
                    hint=f"Choose another with {option}; 0 picks a free one.",
                ) from error
            raise AddressNotUsable(
                f"Cannot listen on port {port} of {host!r}: {error.strerror or error}",
                hint=f"Choose others with --host and {option}.",
            ) from error
        except OverflowError as error:
            raise AddressNotUsable(
                f"Port {port} is not between 0 and 65535", hint=f"Choose another with {option}."
            ) from error
        chosen: int = listener.getsockname()[1]
        return chosen


def choose_patiently(
    host: str, port: int, option: str, sleep: Callable[[float], None] = time.sleep
) -> int:
    """As `choose`, giving processes of a killed supervisor time to end. Raises as it does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return choose(host, port, option)
        except PortTaken:
            if time.monotonic() > deadline:
                raise
            sleep(0.1)
