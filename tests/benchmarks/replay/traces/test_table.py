from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.replay.traces.table import COLUMNS, read
from benchmarks.replay.workload import BadInput
from pileus.core.schemas.resources import Resources

HEAD = "arrival_seconds,seconds,gpu,gang"


def read_text(folder: Path, text: str | bytes):
    path = folder / "jobs.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read(path)


class TestRead:
    def test_a_cell_that_is_empty_is_the_default(self, tmp_path) -> None:
        (first, second) = read_text(tmp_path, f"{HEAD}\n0, 60 ,0.5,\n1.5,60,,2\n")

        assert first.resources == Resources(gpu=0.5)
        assert (first.seconds, first.gang, first.project) == (60, 1, "default")
        assert (second.arrived, second.gang, second.resources) == (1.5, 2, Resources())

    def test_a_line_may_say_all_there_is(self, tmp_path) -> None:
        (job,) = read_text(tmp_path, ",".join(COLUMNS) + "\n0,60,2,1024,1,4,vision,-3,train\n")

        assert job == (0, 60, Resources(cpu=2, memory_mib=1024, gpu=1), 4, "vision", -3, "train")

    @pytest.mark.parametrize(
        "text, says",
        [
            ("", "line 1: no column 'arrival_seconds'. Name columns in it: arrival_seconds, "),
            (f"{HEAD},gpus\n", "line 1: column 'gpus' is unknown or twice"),
            (f"{HEAD},gpu\n", "line 1: column 'gpu' is unknown or twice"),
            (f"{HEAD}\n", "has no job: write one a line"),
            (f"{HEAD}\n0,60,1,1\n0,soon,1,1\n", "line 3: seconds = 'soon': .*Correct the cell"),
            (f"{HEAD}\n0,,1,1\n", "line 2: seconds: Field required"),
            (f"{HEAD}\n0,0,1,1\n", "line 2: seconds = '0': .*greater than 0"),
            (f"{HEAD}\n0,nan,1,1\n", "line 2: seconds = 'nan': "),
            (f"{HEAD}\n-1,60,1,1\n", "line 2: arrival_seconds = '-1': "),
            (f"{HEAD}\n1e300,60,1,1\n", "line 2: arrival_seconds = '1e300': "),
            (f"{HEAD}\n0,60,1.5,1\n", "line 2: .*gpu=1.5: more than one GPU must be a whole"),
            (f"{HEAD}\n0,60,1,0\n", "line 2: gang = '0': "),
            (f"{HEAD}\n0,60,1,1,9\n", "line 2: more cells than columns"),
            (b"\xff\xfe\x00", "is no CSV file in UTF-8"),
            (f'{HEAD}\n0,"60', "is no CSV file"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_line(self, tmp_path, text, says) -> None:
        with pytest.raises(BadInput, match=says):
            read_text(tmp_path, text)

    def test_a_file_that_is_not_there(self, tmp_path) -> None:
        with pytest.raises(BadInput, match="cannot be read"):
            read(tmp_path / "none.csv")
