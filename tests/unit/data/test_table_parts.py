import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.data import row_index, table_parts
from pileus.data.packing import Packer
from pileus.data.row_index import TRAIN, UNTOUCHED, RowIndex
from pileus.data.row_split import split_rows
from pileus.data.table_parts import PartWriter

NAMES = ["text", "label"]


def parts(folder, write):
    """Paths and bytes of the parts that `write` leaves."""
    found = []
    packer = Packer(folder / "packs")
    writer = PartWriter(NAMES, "label", packer, lambda split, part: found.append((split, part)))
    write(writer)
    items = writer.close()
    packer.close()
    return sorted(found), [(item.path, item.size) for item in items]


class TestPartWriter:
    @given(st.data())
    def test_blocks_of_a_spool_make_the_parts_that_lines_make(self, tmp_path_factory, data):
        lengths = data.draw(st.lists(st.integers(2, 90), min_size=2, max_size=40))
        lines = [b"%d" % (n % 10) * (length - 1) + b"\n" for n, length in enumerate(lengths)]
        # Both sides have a line, as every table has.
        sides = [TRAIN, UNTOUCHED, *data.draw(_sides(len(lines) - 2))]
        folder = tmp_path_factory.mktemp("parts")
        (folder / "spool").write_bytes(b"".join(lines))

        with pytest.MonkeyPatch.context() as patch, RowIndex(folder / "index") as index:
            patch.setattr(table_parts, "PART_BYTES", 100)
            patch.setattr(table_parts, "_BLOCK_BYTES", data.draw(st.sampled_from([1, 64, 4000])))
            patch.setattr(row_index, "CHUNK_ROWS", data.draw(st.sampled_from([3, 1000])))
            index.add(np.arange(len(lines), dtype=np.uint64), lengths, [0] * len(lines), sides)
            split = split_rows(index, None, 0.2, folder)

            spooled = parts(folder, lambda to: to.add_spooled(folder / "spool", index, split))
            one_by_one = parts(folder, lambda to: _add_all(to, lines, sides))

        assert spooled == one_by_one


def _sides(count):
    return st.lists(st.sampled_from([TRAIN, UNTOUCHED]), min_size=count, max_size=count)


def _add_all(writer, lines, sides):
    for line, side in zip(lines, sides, strict=True):
        writer.add("train" if side == TRAIN else "untouched", line)
