import pytest

from pileus.sdk.snapshot.secrets import is_secret


class TestIsSecret:
    @pytest.mark.parametrize(
        "path",
        [
            ".env",
            ".env.local",
            "deep/.ENV",
            "prod.env",
            "id_rsa",
            "tls/server.key",
            "a.pem",
            ".aws/config",
            ".ssh/known_hosts",
            "secrets.toml",
            "service-account-x.json",
        ],
    )
    def test_names_that_hold_secrets(self, path):
        assert is_secret(path)

    @pytest.mark.parametrize(
        "path", [".env.example", "id_rsa.pub", "env.py", "keys.py", "environment.yml", "tokens.py"]
    )
    def test_names_that_do_not(self, path):
        assert not is_secret(path)
