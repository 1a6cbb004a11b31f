"""Where a gang meets."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from pileus.compute.errors import RunnerNotStarted
from pileus.core.schemas.gangs import Seat
from pileus.worker import meeting
from pileus.worker.meeting import address_towards, check_port


@pytest.fixture
def taken():
    with closing(socket.socket()) as listening:
        listening.bind(("", 0))
        listening.listen()
        yield listening.getsockname()[1]


class TestCheckPort:
    def test_a_port_that_somebody_has_is_refused_on_the_node_of_rank_0_only(self, taken) -> None:
        with pytest.raises(RunnerNotStarted, match=f"Port {taken}, where the gang"):
            check_port(Seat(rank=0, size=2, address="127.0.0.1", port=taken))

        check_port(Seat(rank=1, size=2, address="127.0.0.1", port=taken))

    def test_a_port_that_nobody_has_stays_free(self, taken) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("", 0))
            port = probe.getsockname()[1]

        for _ in range(2):
            check_port(Seat(rank=0, size=2, address="127.0.0.1", port=port))


class TestAddressTowards:
    def test_a_server_elsewhere_tells_which_of_our_addresses_is_reached(self, monkeypatch) -> None:
        ways = {"10.1.2.3": "10.1.0.9", "192.0.2.1": "172.16.0.5"}
        monkeypatch.setattr(meeting, "_address", ways.get)

        assert address_towards("http://10.1.2.3:7070") == "10.1.0.9"

    def test_for_a_server_on_this_machine_it_is_where_others_reach_us(self, monkeypatch) -> None:
        ways = {"192.0.2.1": "172.16.0.5"}
        monkeypatch.setattr(meeting, "_address", ways.get)

        assert address_towards("http://127.0.0.1:7070") == "172.16.0.5"

    def test_an_address_that_nobody_else_reaches_is_none(self, monkeypatch) -> None:
        monkeypatch.setattr(meeting, "_ANYWHERE", "127.0.0.2")

        assert address_towards("http://127.0.0.1:7070") is None

    def test_a_name_that_leads_nowhere_is_no_error(self) -> None:
        address_towards("http://no-such-host.invalid:7070")
