import json

from pileus.cli.log_files import Tail, history


def line(second, message, **more):
    return json.dumps({"time": f"2026-01-01T00:00:{second:02d}.000Z", "message": message} | more)


def write(path, *lines):
    with path.open("a") as file:
        file.writelines(f"{one}\n" for one in lines)


def messages(lines):
    return [one["message"] for one in lines]


def anything(_line):
    return True


class TestHistory:
    def test_processes_and_files_put_aside_are_one_story(self, tmp_path):
        write(tmp_path / "server.jsonl.2", line(1, "a"))
        write(tmp_path / "server.jsonl.1", line(3, "c"))
        write(tmp_path / "server.jsonl", line(5, "e"))
        write(tmp_path / "worker.jsonl", line(2, "b"), line(4, "d"))

        found = list(history(tmp_path, ["server", "worker", "gateway"], anything))

        assert messages(found) == ["a", "b", "c", "d", "e"]
        assert [one["process"] for one in found][:2] == ["server", "worker"]

    def test_only_what_is_wanted(self, tmp_path):
        write(tmp_path / "server.jsonl", line(1, "a", request_id="req_1"), line(2, "b"))

        found = history(tmp_path, ["server"], lambda one: one.get("request_id") == "req_1")

        assert messages(found) == ["a"]

    def test_what_a_kill_left_of_a_line_is_shown_in_its_place(self, tmp_path):
        write(tmp_path / "server.jsonl", line(1, "a"), '{"time": "2026', line(2, "b"))

        found = list(history(tmp_path, ["server"], anything))

        assert messages(found) == ["a", '{"time": "2026', "b"]
        assert found[1]["level"] == "error"


class TestTail:
    def test_whole_lines_as_they_come(self, tmp_path):
        path = tmp_path / "server.jsonl"
        write(path, line(1, "before"))
        tail = Tail(path, "server")
        with path.open("a") as file:
            file.write(line(2, "half")[:20])
        before = tail.news()
        with path.open("a") as file:
            file.write(line(2, "half")[20:] + "\n")

        assert before == []
        assert messages(tail.news()) == ["half"]
        tail.close()

    def test_goes_on_in_the_file_that_takes_its_place(self, tmp_path):
        path = tmp_path / "server.jsonl"
        write(path)
        tail = Tail(path, "server")
        write(path, line(1, "last of the old"))
        path.rename(tmp_path / "server.jsonl.1")
        write(path, line(2, "first of the new"))

        assert messages(tail.news()) == ["last of the old", "first of the new"]
        tail.close()

    def test_waits_for_a_file_that_is_not_there_yet(self, tmp_path):
        path = tmp_path / "server.jsonl"
        tail = Tail(path, "server")
        before = tail.news()
        write(path, line(1, "a"))

        assert before == []
        assert messages(tail.news()) == ["a"]
        tail.close()
