import pytest

from pileus.core.logs.redaction import redacted

SECRETS = [
    "plt_WAaHjwlfwmMdIu_W18Ut2PbasII3WMhqlf2aasWhk2Y",
    "plw_WAaHjwlfwmMdIu-W18Ut2PbasII3WMhqlf2aasWhk2Y",
    "pla_att_01m87hf7qdetsv3342vj10xy18.0f3c5d8e9a7b6c5d4e3f2a1b0c9d8e7f",
]


class TestTokens:
    @pytest.mark.parametrize("secret", SECRETS)
    @pytest.mark.parametrize("text", ["{}", "token '{}' of ada", "Bearer {}", '{{"token":"{}"}}'])
    def test_of_any_kind_are_taken_out_wherever_they_stand(self, secret, text):
        cleaned = redacted(text.format(secret))

        assert secret not in cleaned
        assert secret[-8:] not in cleaned

    @pytest.mark.parametrize("header", ["Authorization: Bearer abcdef123456", "basic dXNlcjpwYXNz"])
    def test_of_others_are_taken_out_of_headers(self, header):
        assert not {"abcdef123456", "dXNlcjpwYXNz"} & set(redacted(header).split())


class TestUrls:
    @pytest.mark.parametrize(
        "url",
        [
            "postgresql+psycopg://ada:hunter2@db/x",
            "postgresql://ada:hunter2%40more@[::1]:5432/x",
            "s3://key:hunter2@host",
        ],
    )
    def test_lose_their_password_and_keep_the_rest(self, url):
        cleaned = redacted(f"cannot reach {url}")

        assert "hunter2" not in cleaned
        assert cleaned.startswith("cannot reach ")
        assert url.partition(":")[0] in cleaned

    def test_lose_the_signature_of_a_signed_one(self):
        assert "9f8e7d" not in redacted("GET https://h/o?X-Amz-Signature=9f8e7d&x=1")


class TestAssignments:
    @pytest.mark.parametrize(
        "text",
        [
            "password=hunter2",
            "'secret': 'hunter2'",
            "AWS_SECRET_ACCESS_KEY=hunter2",
            "api_key: hunter2",
        ],
    )
    def test_of_names_that_hold_secrets_are_taken_out(self, text):
        assert "hunter2" not in redacted(text)


class TestOther:
    @pytest.mark.parametrize(
        "text",
        [
            "Attempt att_01m87hf7qdetsv3342vj10xy18 has ended: exited",
            "req_01m87hf7j0e6pagy4rd9sppy76 of http://127.0.0.1:7070/api/v1/me at 12:30:01",
            "GET /api/v1/projects/default/tokens 200",
        ],
    )
    def test_text_stays_as_it_is(self, text):
        assert redacted(text) == text
