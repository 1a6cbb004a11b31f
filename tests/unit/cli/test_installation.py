import socket

import pytest

from pileus.cli import forked, processes
from pileus.cli.home import Home
from pileus.cli.installation import plan, programs, wanted_ports
from pileus.cli.ports import PortTaken
from pileus.core.errors import InvalidRequest
from pileus.core.settings import InvalidSettings


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path / "home")
    made.prepare()
    return made


class TestPlan:
    def test_zero_picks_different_ports(self, home):
        chosen = plan(home, None, 0, 0)

        assert chosen.host == "127.0.0.1"
        assert len({chosen.port, chosen.gateway_port, chosen.grpc_port, 0}) == 4

    def test_grpc_comes_after_the_gateway_unless_it_is_told_otherwise(self, home):
        assert wanted_ports(home, 0, 7080)["--grpc-port"] == 7081
        assert wanted_ports(home, 0, 7080, 9000)["--grpc-port"] == 9000
        (home.path / "pileus.toml").write_text("[gateway]\ngrpc_port = 9001\n")
        assert wanted_ports(home, 0, 7080)["--grpc-port"] == 9001

    def test_a_gateway_without_grpc_needs_no_port_for_it(self, home):
        (home.path / "pileus.toml").write_text("[gateway]\ngrpc = false\n")

        chosen = plan(home, None, 0, 0)

        assert chosen.grpc_port is None
        assert not any(
            "--grpc-port" in one.arguments for one in programs(home, chosen, forks=False)
        )

    def test_settings_name_ports_when_the_command_line_does_not(self, home, monkeypatch):
        monkeypatch.setenv("PILEUS_SERVER__PORT", "0")
        (home.path / "pileus.toml").write_text("[gateway]\nport = 0\n")

        chosen = plan(home, None, None, None)

        assert 0 not in {chosen.port, chosen.gateway_port}

    def test_a_port_that_is_no_number_is_refused(self, home, monkeypatch):
        monkeypatch.setenv("PILEUS_SERVER__PORT", "web")

        with pytest.raises(InvalidSettings, match=r"server\.port = 'web'"):
            plan(home, None, None, 0)

    def test_one_port_for_both_is_refused(self, home):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]

        with pytest.raises(InvalidRequest, match="cannot all listen"):
            plan(home, None, port, port)

    def test_a_taken_port_is_refused_at_once_in_a_home_left_in_order(self, home):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()

            with pytest.raises(PortTaken):
                plan(home, None, taken.getsockname()[1], 0)


class TestPrograms:
    def test_the_server_does_not_wait_for_what_only_its_clients_need(self, home):
        server, *clients = programs(home, plan(home, None, 0, 0), forks=True)

        assert server.warm_up is None
        assert {one.name: one.warm_up for one in clients} == {
            "gateway": forked.warm_up_for_clients,
            "worker": forked.warm_up_for_clients,
        }

    def test_the_server_starts_first_and_others_are_told_where_it_is(self, home):
        server, gateway, worker = programs(home, plan(home, "0.0.0.0", 0, 0), forks=False)

        assert [server.name, gateway.name, worker.name] == ["server", "gateway", "worker"]
        assert "0.0.0.0" in server.arguments
        assert worker.arguments[-1].startswith("http://127.0.0.1:")

    def test_forks_are_called_with_what_the_commands_say(self, home):
        chosen = plan(home, "0.0.0.0", 0, 0)

        commands = programs(home, chosen, forks=False)
        forks = programs(home, chosen, forks=True)

        for one, other in zip(commands, forks, strict=True):
            assert one.main is None
            assert other.main is processes.start
            assert one.arguments == processes.command(other.arguments)
