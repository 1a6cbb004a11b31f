import httpx
import pytest

from pileus.cli import following
from pileus.cli.following import JobDidNotSucceed, follow_training, raise_unless_succeeded
from pileus.cli.session import Session
from pileus.sdk import Client


def session_of(*jobs):
    answers = list(jobs)

    def answer(request):
        if request.url.path.endswith("/logs"):
            headers = {"Pileus-Next-Offset": "5", "Pileus-Final": "true"}
            is_first = request.url.params["offset"] == "0"
            return httpx.Response(200, content=b"boom\n" if is_first else b"", headers=headers)
        return httpx.Response(200, json=answers.pop(0))

    made = Session()
    made.__dict__["client"] = Client(
        "http://pileus.test", "plt_x", transport=httpx.MockTransport(answer)
    )
    return made


class TestFollow:
    def test_it_returns_the_job_that_has_ended(self):
        session = session_of({"status": "running"}, {"status": "succeeded"})

        assert follow_training(session, {"id": "job_1"})["status"] == "succeeded"


class TestWaits:
    def test_it_says_once_why_a_job_waits(self, monkeypatch):
        monkeypatch.setattr(following, "ASK_AFTER_SECONDS", 0)
        monkeypatch.setattr(following, "ASK_EVERY_SECONDS", 0)
        why = {"state": "queued", "reason": "No node has cpu=64", "hint": "Ask for less."}
        said: list[str] = []
        waits = following.Waits(session_of(why, why).client, "job_1", said.append)

        waits.tell()
        waits.tell()

        assert said == ["[yellow]Waiting:[/] No node has cpu=64. Ask for less."]

    def test_a_job_that_starts_at_once_is_not_asked_about(self):
        waits = following.Waits(session_of().client, "job_1", pytest.fail)

        waits.tell()


class TestInterrupt:
    def test_ctrl_c_says_that_the_job_goes_on(self, capsys):
        with (
            pytest.raises(KeyboardInterrupt),
            following.leaving_it_running(session_of(), "job_1"),
        ):
            raise KeyboardInterrupt

        assert "pileus job cancel job_1" in capsys.readouterr().err


class TestFailure:
    def test_what_was_told_is_not_repeated(self, capsys):
        job = {"id": "job_1", "status": "failed", "reason": "exit code 1", "hint": "Look."}

        with pytest.raises(JobDidNotSucceed):
            raise_unless_succeeded(session_of(), job, is_told=True)

        assert capsys.readouterr().err == ""

    def test_the_end_of_stderr_is_shown_with_the_reason(self, capsys):
        job = {"id": "job_1", "status": "failed", "reason": "exit code 1", "hint": "Look."}

        with pytest.raises(JobDidNotSucceed, match="failed: exit code 1"):
            raise_unless_succeeded(session_of(), job)

        assert "boom" in capsys.readouterr().err

    def test_a_success_is_no_error(self):
        raise_unless_succeeded(session_of(), {"id": "job_1", "status": "succeeded"})
