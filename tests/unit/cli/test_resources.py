import pytest
import typer

from pileus.cli.resources import resources, settings_of


class TestResources:
    def test_a_kind_and_a_fraction_of_a_gpu(self):
        assert resources(2, "4g", "h200:0.5", ["fpga=1"]) == {
            "cpu": 2,
            "memory_mib": 4096,
            "gpu": 0.5,
            "gpu_kind": "h200",
            "custom": {"fpga": 1},
        }

    @pytest.mark.parametrize("text,mib", [("512", 512), ("512m", 512), ("1.5GiB", 1536)])
    def test_memory_units(self, text, mib):
        assert resources(1, text, None, None)["memory_mib"] == mib

    @pytest.mark.parametrize(
        "memory,gpu,custom",
        [("4x", None, None), ("", None, None), ("1g", "h200:", None), ("1g", None, ["fpga"])],
    )
    def test_what_cannot_be_read_is_refused(self, memory, gpu, custom):
        with pytest.raises(typer.BadParameter):
            resources(1, memory, gpu, custom)


class TestSettings:
    def test_values_are_json_where_they_can_be(self):
        assert settings_of(["epochs=3", "rate=1e-3", "name=adam", "on=true", "x=a=b"]) == {
            "epochs": 3,
            "rate": 0.001,
            "name": "adam",
            "on": True,
            "x": "a=b",
        }

    def test_a_word_without_a_value_is_refused(self):
        with pytest.raises(typer.BadParameter, match="'epochs'"):
            settings_of(["epochs"])
