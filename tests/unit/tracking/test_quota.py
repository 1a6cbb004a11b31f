"""What is left out of the middle of a log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pileus.tracking.quota import gap_of


class TestGapOf:
    @given(lines=st.lists(st.binary(max_size=12), max_size=40), most=st.integers(2, 100))
    def test_whole_lines_go_and_enough_of_them(self, tmp_path_factory, lines, most):
        data = b"\n".join(lines)
        path = tmp_path_factory.getbasetemp() / "log"
        path.write_bytes(data)

        gap = gap_of(path, most)

        if len(data) <= most:
            assert gap is None
            return
        assert 0 < gap.start <= most // 2
        assert gap.start < gap.end <= len(data)
        assert len(data) - gap.size <= most
        left_out = data[gap.start : gap.end]
        assert gap.lines == left_out.count(b"\n") + (not left_out.endswith(b"\n"))

    def test_a_log_of_one_long_line_is_cut_within_it(self, tmp_path):
        path = tmp_path / "log"
        path.write_bytes(b"x" * 1000)

        gap = gap_of(path, 100)

        assert (gap.start, gap.end, gap.lines) == (50, 950, 1)
