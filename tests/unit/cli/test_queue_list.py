import io

from rich.console import Console

from pileus.cli.queue_list import TABLE_WIDTH, is_narrow, listed

WAITS = {
    "position": 12,
    "job": "job_01m8hjf6jqfj1r6jsm8aqgynm2",
    "name": "lesson",
    "kind": "train",
    "priority": 0,
    "created_at": "2026-01-01T12:00:00Z",
    "node": None,
    "reason": "Waits for gpu=1[h200] to be free",
    "eta": None,
    "after": None,
}


def printed(*items):
    file = io.StringIO()
    Console(file=file, width=80).print(listed(items), highlight=False)
    return file.getvalue()


class TestListed:
    def test_a_job_is_a_paragraph_of_what_it_waits_for(self):
        lines = printed(WAITS).splitlines()

        assert lines[0].startswith("12  job_01m8hjf6jqfj1r6jsm8aqgynm2  lesson, ")
        assert lines[1].strip() == "Waits for gpu=1[h200] to be free"
        assert len(lines) == 2

    def test_it_says_when_it_starts_where_that_is_known(self):
        eta = {"eta": "2030-01-01T12:00:00Z", "after": "job_01m8hjfa16f529xvfw6vjr56sk"}

        text = printed(WAITS | eta | {"priority": 5})

        assert "lesson, priority 5, " in text
        assert "Starts at about " in text
        assert "when job_01m8hjfa16f529xvfw6vjr56sk ends" in " ".join(text.split())

    def test_one_about_to_start_says_where(self):
        text = printed(WAITS | {"node": "box", "reason": None, "name": None})

        assert "train, " in text
        assert "Starts on box" in text

    def test_long_reasons_are_folded_and_not_cut(self):
        reason = "No node has cpu=64 memory=512MiB; the largest, 'box', has cpu=2 memory=24105MiB"

        text = printed(WAITS | {"reason": reason})

        assert reason in " ".join(text.split())
        assert max(map(len, text.splitlines())) <= 80


class TestIsNarrow:
    def test_a_table_needs_room(self):
        assert is_narrow(Console(width=80))
        assert not is_narrow(Console(width=TABLE_WIDTH))
