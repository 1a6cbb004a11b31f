import socket

import pytest

from pileus.cli.ports import AddressNotUsable, PortTaken, choose


@pytest.fixture
def taken():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


class TestChoose:
    def test_zero_picks_a_free_port(self):
        assert choose("127.0.0.1", 0, "--port") > 0

    def test_a_taken_port_is_named_with_its_flag(self, taken):
        with pytest.raises(PortTaken, match=str(taken)) as caught:
            choose("127.0.0.1", taken, "--gateway-port")

        assert "--gateway-port" in str(caught.value.hint)

    @pytest.mark.parametrize("host,port", [("192.0.2.1", 0), ("127.0.0.1", 99999)])
    def test_an_address_of_no_use_is_refused(self, host, port):
        with pytest.raises(AddressNotUsable):
            choose(host, port, "--port")
