"""A Parquet file, read some rows at a time. Needs pyarrow, which comes with `pileus[parquet]`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pileus.data.errors import SourceUnreadable, TableDamaged
from pileus.data.sources.cell_text import cell_text
from pileus.data.sources.options import SourceOptions
from pileus.data.sources.reading import Witness, unreadable
from pileus.data.sources.source import Row

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import FileMetaData

ENDINGS = (".parquet", ".pq")
_BATCH_ROWS = 5000
_BATCH_CELLS = 200_000
_BATCH_BYTES = 16 << 20
"""Of cells as they are stored; as Python's texts they take several times as much."""

_BUFFER_BYTES = 1 << 20
_BUFFERS_BYTES = 64 << 20
"""Each column has a buffer: all of them together."""


class ParquetFile:
    """One file of rows with flat columns."""

    kind: Literal["table"] = "table"
    label: str | None = None
    unit: Literal["line", "row"] = "row"

    def __init__(self, path: Path, name: str) -> None:
        self.name = f"parquet:{name}"
        self._path = path
        self._file = name

    @classmethod
    def of(cls, path: Path, name: str, options: SourceOptions) -> ParquetFile | None:
        if not path.is_file() or not name.lower().endswith(ENDINGS):
            return None
        options.refuse_all_but((), "a Parquet file")
        if importlib.util.find_spec("pyarrow") is None:
            raise SourceUnreadable(
                f"{name!r} is a Parquet file, and pyarrow is not installed",
                hint="Install it with: pip install 'pileus[parquet]'",
            )
        return cls(path, name)

    def rows(self) -> Iterator[Row]:
        from pyarrow import ArrowException  # optional; a second to import

        with Witness(self._path, self._file).watching():
            try:
                yield from self._rows()
            except ArrowException as error:
                raise self._damaged(error) from error
            except OSError as error:
                # pyarrow has no other error for pages that cannot be decoded.
                raise (
                    unreadable(self._file, error) if error.errno else self._damaged(error)
                ) from error

    def _rows(self) -> Iterator[Row]:
        from pyarrow.parquet import ParquetFile as Opened  # optional; a second to import
        from pyarrow.parquet import read_metadata  # optional; a second to import

        # Without `pre_buffer`, pages are read as they are needed: a row group may be large.
        metadata = read_metadata(self._path)
        buffer = min(_BUFFER_BYTES, _BUFFERS_BYTES // max(1, metadata.num_columns))
        with Opened(self._path, metadata=metadata, buffer_size=buffer, pre_buffer=False) as opened:
            schema = opened.schema_arrow
            self._refuse(schema)
            yield Row(0, schema.names)
            number = 0
            for batch in opened.iter_batches(batch_size=_batch_rows(metadata)):
                columns = [_texts(column) for column in batch.columns]
                for cells in zip(*columns, strict=True):
                    number += 1
                    yield Row(number, cells)

    def _refuse(self, schema: pa.Schema) -> None:
        bad = [f"{one.name!r} ({one.type})" for one in schema if not _is_flat(one.type)]
        if bad:
            raise TableDamaged(
                f"{self._file!r} has columns that are not one value in each row: {', '.join(bad)}",
                hint="Save the file without them, or with a column for each part of them.",
            )

    def _damaged(self, error: Exception) -> TableDamaged:
        return TableDamaged(
            f"{self._file!r} is not a whole Parquet file: {str(error).splitlines()[0]}",
            hint="Fetch or write it again.",
        )


def _batch_rows(metadata: FileMetaData) -> int:
    """Rows to read at once, so that wide tables and long texts take no more memory than others."""
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    widest = max((one.total_byte_size / max(1, one.num_rows) for one in groups), default=0)
    by_bytes = int(_BATCH_BYTES / max(1, widest))
    by_cells = _BATCH_CELLS // max(1, int(metadata.num_columns))
    return max(1, min(_BATCH_ROWS, by_bytes, by_cells))


def _is_flat(kind: pa.DataType) -> bool:
    from pyarrow import types  # optional; a second to import

    if types.is_dictionary(kind):
        kind = kind.value_type
    checks = (
        types.is_null,
        types.is_boolean,
        types.is_integer,
        types.is_floating,
        types.is_decimal,
        types.is_date,
        types.is_time,
        types.is_timestamp,
        types.is_string,
        types.is_large_string,
        types.is_string_view,
    )
    return any(check(kind) for check in checks)


def _texts(column: pa.Array[Any]) -> list[str]:
    """Cells of a column; times with a zone are in UTC."""
    import pyarrow as pa  # optional; a second to import

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_floating(kind):
        # Half and single precision keep their own shortest text: 0.1, not 0.10000000149011612.
        values = column.to_numpy(zero_copy_only=False)
        holes = column.is_null().to_pylist() if column.null_count else [False] * len(column)
        narrow = kind.bit_width < 64
        found = values.astype(kind.to_pandas_dtype()) if narrow else values.tolist()
        return ["" if hole else str(cell_text(v)) for v, hole in zip(found, holes, strict=True)]
    ending = ""
    if pa.types.is_timestamp(kind):
        ending = "Z" if kind.tz else ""
        column = column.cast(pa.timestamp(kind.unit))
    texts = ["" if text is None else text for text in column.cast(pa.string()).to_pylist()]
    if pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return [_time(text) + ending if text else "" for text in texts]
    return texts


def _time(text: str) -> str:
    """ISO 8601, without the zeros that only say how finely the column is kept."""
    text = text.replace(" ", "T")
    return text.rstrip("0").rstrip(".") if "." in text else text
