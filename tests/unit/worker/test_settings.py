import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from pileus.core.settings import InvalidSettings, load
from pileus.worker.settings import RaySettings, WorkerSettings, base_environment


class TestWorkerSettings:
    def test_a_home_is_enough(self, tmp_path):
        settings = load(WorkerSettings, "worker", {"home": tmp_path}, tmp_path, environ={})

        assert settings.directory == tmp_path / "worker"
        assert settings.token_path == tmp_path / "run" / "worker.token"
        assert settings.node_name

    def test_a_mistyped_name_is_refused(self, tmp_path):
        environ = {"PILEUS_WORKER__WAIT_SECOND": "1"}

        with pytest.raises(InvalidSettings) as caught:
            load(WorkerSettings, "worker", {"home": tmp_path}, tmp_path, environ)

        assert "PILEUS_WORKER__WAIT_SECONDS" in str(caught.value.hint)


class TestBaseEnvironment:
    def test_only_what_is_named_passes(self, monkeypatch):
        monkeypatch.setenv("HOME", "/home/me")
        monkeypatch.setenv("PILEUS_TOKEN", "plt_secret")

        env = base_environment(("HOME", "NOT_SET"))

        assert sorted(env) == ["HOME", "PATH"]

    def test_our_own_python_comes_first(self):
        first = base_environment(())["PATH"].split(":")[0]

        assert first == str(Path(sys.executable).parent)


class TestRay:
    @pytest.mark.parametrize("address", ["auto", "head:6379", "10.0.0.1:6379", "[::1]:6379"])
    def test_the_address_of_a_cluster_is_taken(self, address):
        assert RaySettings(address=address).address == address

    @pytest.mark.parametrize("address", ["", "head", "ray://head:10001", "local"])
    def test_what_is_no_cluster_to_stay_with_is_refused(self, address):
        with pytest.raises(ValidationError, match="address"):
            RaySettings(address=address)
