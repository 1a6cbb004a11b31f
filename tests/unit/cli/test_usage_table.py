import io

import pytest
from rich.console import Console

from pileus.cli.usage_table import tables
from tests.unit.cli.usage_items import NODE, make_item, make_top


def printed(top, width=80, *, is_terminal=True):
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=is_terminal, color_system=None)
    for table in tables(top, console):
        console.print(table)
    return file.getvalue()


class TestNarrow:
    def test_nothing_of_an_attempt_is_cut_at_80_columns(self):
        text = printed(make_top(make_item(asked={"memory_mib": 24_064, "disk_mib": 1536})))

        assert max(map(len, text.splitlines())) <= 80
        assert "…" not in text
        for words in (
            "job_01m8hjf6jqfj1r6jsm8aqgynm2",
            "lesson, 2 min 0 s, box",
            "0.98      104M  110M       3M      2  0.001234",
            "of 1  of 23.5G        of 1.5G",
        ):
            assert words in text

    def test_of_long_words_the_last_give_way_and_no_figure(self):
        item = make_item(name="n" * 40, node="m" * 40, state="stopping", cost_micro=123_456_789)

        text = printed(make_top(item))

        assert "123.46" in text
        assert "nnnnnnnnnnnnn…, stopping" in text
        assert "mmm" not in text.partition("NODE")[0]
        assert max(map(len, text.splitlines())) <= 80

    def test_a_share_of_gpus_is_what_was_asked_and_no_figure_is_made_up(self):
        text = printed(make_top(make_item(asked={"gpu": 0.5})))

        assert "GPU" in text
        assert "of 0.5" in text
        assert "PROCS" not in text

    def test_use_of_whole_gpus_is_shown(self):
        text = printed(make_top(make_item(asked={"gpu": 2.0}, used={"gpu_milli": 1870})))

        assert "1.87" in text

    def test_an_old_sample_says_how_old_it_is(self):
        used = {"is_stale": True, "sampled_at": "2026-01-01T11:57:00Z"}

        assert "seen 3 min 0 s ago" in printed(make_top(make_item(used=used)))

    def test_what_nobody_knows_is_a_dash(self):
        item = make_item(used=None, state="starting", started_at=None, name=None)

        text = printed(make_top(item))

        assert "command, starting, 2 min 0 s" in text
        assert "0.00 " not in text
        assert text.splitlines()[2].count(" -") == 5


class TestWide:
    def test_an_attempt_is_a_line(self):
        lines = printed(make_top(make_item()), width=160).splitlines()

        words = lines[2].split()
        assert words[:4] == ["job_01m8hjf6jqfj1r6jsm8aqgynm2", "lesson", "box", "running"]
        assert words[-3:] == ["0.001234", "2.0", "s"]

    def test_piped_there_is_no_rule(self):
        lines = printed(make_top(make_item()), width=400, is_terminal=False).splitlines()

        assert lines[0].split()[:2] == ["JOB", "NAME"]
        assert lines[1].startswith("job_")


class TestNodes:
    def test_used_asked_and_whole(self):
        text = printed(make_top(), width=160)

        assert "Nothing runs in this project." in text
        assert "0.98 used, 1 asked of 4" in text
        assert "104M used, 512M asked of 8G" in text

    def test_what_is_used_stands_over_what_is_asked_where_there_is_little_room(self):
        lines = printed(make_top()).splitlines()

        assert lines[-2].split() == ["box", "1", "0.98", "used", "104M", "used"]
        assert lines[-1].split() == ["1", "asked", "of", "4", "512M", "asked", "of", "8G"]

    def test_a_silent_node_is_called_so_and_what_it_uses_is_not_known(self):
        load = {"used": None, "asked": 1000, "total": 4000}
        node = NODE | {"is_answering": False, "cpu_milli": load}

        text = printed(make_top(nodes=[node]))

        assert "box (silent)" in text
        assert "- used " in text

    @pytest.mark.parametrize("total,is_shown", [(0, False), (2000, True)])
    def test_gpus_are_shown_where_there_are_any(self, total, is_shown):
        node = NODE | {"gpu_milli": {"used": None, "asked": 500, "total": total}}

        text = printed(make_top(nodes=[node]))

        assert ("0.5 asked of 2" in text) is is_shown
        assert max(map(len, text.splitlines())) <= 80

    def test_more_than_are_shown_are_told_of(self):
        assert "More run than are shown." in printed(make_top(make_item(), has_more=True))
