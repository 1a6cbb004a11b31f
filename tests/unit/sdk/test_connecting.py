import pytest

from pileus.sdk.connecting import connection_to


class TestConnectionTo:
    @pytest.mark.parametrize(
        "url, verify, trust_env",
        [
            ("http://127.0.0.1:7070", False, False),
            ("http://localhost:7070", False, False),
            ("http://[::1]:7070", False, False),
            ("https://127.0.0.1:7070", True, False),
            ("http://pileus.example:7070", False, True),
            ("https://pileus.example", True, True),
        ],
    )
    def test_loopback_asks_no_proxy_and_plain_http_no_certificates(
        self, url: str, *, verify: bool, trust_env: bool
    ) -> None:
        assert connection_to(url) == {"verify": verify, "trust_env": trust_env}
