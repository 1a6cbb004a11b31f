"""What does not need a cluster; the rest is in tests/e2e/test_ray.py."""

import pytest

pytest.importorskip("ray")

from pileus.worker.errors import RayUnreachable
from pileus.worker.fleet import connect, namespace_in, offers_of
from tests.contract.s3_servers import free_port


def node(id_, host, *, alive=True, **resources):
    return {
        "NodeID": id_,
        "NodeManagerHostname": host,
        "Alive": alive,
        "Resources": {"CPU": 2.0, "memory": 3.5 * 2**30, "node:1.2.3.4": 1.0} | resources,
    }


class TestOffers:
    def test_a_node_offers_what_ray_has_of_it(self):
        (offer,) = offers_of([node("abc", "Host", CPU=1.5, GPU=2.0)])

        assert (offer.node, offer.host) == ("abc", "host")
        assert (offer.cpu_milli, offer.memory_mib, offer.gpus) == (1500, 3584, 2)

    def test_nodes_that_died_offer_nothing(self):
        assert offers_of([node("abc", "host", alive=False)]) == []

    def test_nodes_of_one_host_are_told_apart(self):
        found = offers_of([node("a" * 20, "h"), node("b" * 20, "h"), node("c" * 20, "i")])

        assert [offer.host for offer in found] == ["h-aaaaaaaa", "h-bbbbbbbb", "i"]

    def test_a_dead_node_of_the_host_changes_no_name(self):
        found = offers_of([node("a" * 20, "h", alive=False), node("b" * 20, "h")])

        assert [offer.host for offer in found] == ["h"]


class TestConnect:
    def test_an_address_where_nobody_listens_is_told_at_once(self):
        address = f"127.0.0.1:{free_port()}"

        with pytest.raises(RayUnreachable, match=f"{address}.*refused") as caught:
            connect(address, "n")

        assert "ray start" in caught.value.hint


def test_an_installation_stays_with_its_namespace(tmp_path):
    first = tmp_path / "first"
    second = tmp_path / "second"
    for directory in (first, second):
        directory.mkdir()

    known = namespace_in(first)

    assert namespace_in(first) == known
    assert namespace_in(second) != known
