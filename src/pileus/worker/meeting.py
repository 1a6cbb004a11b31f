"""Where members of a gang meet: the address of this node, and a port of it that nobody has."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from pileus.compute.errors import RunnerNotStarted
from pileus.core.schemas.gangs import Seat

_ANYWHERE = "192.0.2.1"
"""An address that stands for others (RFC 5737); asking for the route to it sends nothing."""

_PORT = 9


def address_towards(server_url: str) -> str | None:
    """Our address on the way to the server; of the way to anywhere if the server is on this machine.

    None where there is none that others could reach: then they try the name of the node.
    """
    return _address(urlsplit(server_url).hostname or "") or _address(_ANYWHERE)


def check_port(seat: Seat) -> None:
    """Raises RunnerNotStarted on the node of rank 0 when somebody has the port: another try has
    another one."""
    if seat.rank != 0:
        return
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("", seat.port))
        except OSError as error:
            raise RunnerNotStarted(
                f"Port {seat.port}, where the gang was to meet, is taken on this node",
                hint="It is tried again with another port.",
            ) from error


def _address(host: str) -> str | None:
    with suppress(OSError), closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.connect((host, _PORT))
        found: str = probe.getsockname()[0]
        return None if ip_address(found).is_loopback else found
    return None
