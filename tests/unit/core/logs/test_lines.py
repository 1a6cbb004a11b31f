import json
import logging
import sys

from pileus.core.logs.context import about
from pileus.core.logs.lines import JsonLines, PlainLines

TOKEN = "plt_WAaHjwlfwmMdIu_W18Ut2PbasII3WMhqlf2aasWhk2Y"


def record(message, *args, exc_info=None, **extra):
    made = logging.LogRecord("pileus.x", logging.WARNING, __file__, 1, message, args, exc_info)
    made.__dict__.update(extra)
    return made


def written(made):
    return json.loads(JsonLines("server").format(made))


class TestJsonLines:
    def test_a_line_says_who_what_and_when(self):
        line = written(record("%d jobs", 3))

        assert line["message"] == "3 jobs"
        assert (line["level"], line["logger"], line["process"]) == ("warning", "pileus.x", "server")
        assert line["time"].endswith("Z")
        assert isinstance(line["pid"], int)

    def test_it_carries_what_the_work_is_about(self):
        with about(request_id="req_1", job="job_1"):
            line = written(record("x"))

        assert (line["request_id"], line["job"]) == ("req_1", "job_1")
        assert "attempt" not in line

    def test_what_the_call_says_goes_before(self):
        with about(request_id="req_1"):
            assert written(record("x", request_id="req_2"))["request_id"] == "req_2"

    def test_text_of_many_lines_stays_one_line(self):
        text = JsonLines("server").format(record("a\nb\r\x00"))

        assert "\n" not in text
        assert json.loads(text)["message"] == "a\nb\r\x00"

    def test_an_exception_is_a_string_without_secrets(self):
        try:
            int(f"token {TOKEN}")
        except ValueError:
            line = written(record("failed with %s", TOKEN, exc_info=sys.exc_info()))

        assert "ValueError" in line["exception"]
        assert "Traceback" in line["exception"]
        assert TOKEN not in json.dumps(line)


class TestPlainLines:
    def test_are_for_a_person_and_hold_no_secret_either(self):
        text = PlainLines().format(record("hello %s", TOKEN))

        assert "WARNING pileus.x: hello" in text
        assert TOKEN not in text
