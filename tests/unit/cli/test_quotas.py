"""Amounts as options spell them."""

import pytest
import typer

from pileus.cli.quotas import amount_text, limits, resource_text


def parsed(cpu=None, memory=None, gpu=(), custom=(), borrow=(), lend=()):
    return limits(cpu, memory, gpu, custom, borrow, lend)


class TestLimits:
    def test_every_resource_is_in_its_unit(self):
        found = parsed(2.5, "4g", ["4", "H200:0.5"], ["fpga=3"])

        assert found == {
            "cpu_milli": {"nominal": 2500},
            "memory_mib": {"nominal": 4096},
            "gpu_milli": {"nominal": 4000},
            "gpu_milli:h200": {"nominal": 500},
            "custom:fpga": {"nominal": 3},
        }

    def test_bounds_are_named_or_of_the_only_resource(self):
        found = parsed(20, "1g", ["h200:2"], borrow=["cpu=100", "gpu:H200=1"], lend=["memory=512"])

        assert found["cpu_milli"] == {"nominal": 20_000, "borrowing": 100_000}
        assert found["gpu_milli:h200"] == {"nominal": 2000, "borrowing": 1000}
        assert found["memory_mib"] == {"nominal": 1024, "lending": 512}
        assert parsed(20, borrow=["100"])["cpu_milli"]["borrowing"] == 100_000

    @pytest.mark.parametrize(
        "given",
        [
            {},
            {"cpu": 1, "borrow": ["gpu=1"]},
            {"cpu": 1, "memory": "1g", "borrow": ["1"]},
            {"cpu": 1, "lend": ["cpu=much"]},
            {"custom": ["fpga"]},
            {"gpu": ["h200:"]},
        ],
    )
    def test_what_can_not_be_meant_is_refused(self, given):
        with pytest.raises(typer.BadParameter):
            parsed(**given)


class TestTexts:
    def test_what_a_table_shows(self):
        assert amount_text("cpu_milli", 2500) == "2.5"
        assert amount_text("memory_mib", 4096) == "4 GiB"
        assert amount_text("memory_mib", 100) == "100 MiB"
        assert amount_text("custom:fpga", 3) == "3"
        assert [resource_text(x) for x in ("cpu_milli", "gpu_milli:h200", "custom:fpga")] == [
            "cpu",
            "gpu:h200",
            "fpga",
        ]
