"""What a file holds that is named like text and is none: seen by its first bytes."""

from __future__ import annotations

from pileus.data.errors import SourceUnknown

_TAR_MAGIC = slice(257, 262)
_ZIP_NAME_LENGTH = slice(26, 28)
_ZIP_NAME = 30
_SHEETS = ("[Content_Types].xml", "_rels/", "docProps/", "xl/")

_SIGNATURES = (
    (b"PAR1\x15", "a Parquet file", ".parquet"),  # five bytes: a column may be called PAR1
    (b"\x1f\x8b\x08", "a gzip file", ".gz"),
    (b"BZh91AY&SY", "a bzip2 file", None),
    (b"\xfd7zXZ\0", "an xz file", None),
    (b"\x28\xb5\x2f\xfd", "a Zstandard file", None),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", None),
    (b"SQLite format 3\0", "a SQLite database", None),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel or Office file", None),
)
"""First bytes, what they tell, and the ending of what is read."""


def refuse_other_contents(beginning: bytes, name: str) -> None:
    """Raises SourceUnknown if text file `name` begins (once unpacked, for `.gz`) as another kind."""
    found = _held(beginning)
    if found is None:
        return
    what, ending = found
    stem, dot, own = name.removesuffix(".gz").rpartition(".")
    packed = name.endswith(".gz")
    if ending is None:
        hint = "Save its rows as CSV, or unpack it, and give that."
    elif packed:
        hint = f"Unpack it with gunzip, and rename it to {stem + ending!r}."
    else:
        hint = f"Rename it to {(name if ending == '.gz' else stem) + ending!r}."
    raise SourceUnknown(
        f"{name!r} ends in {dot + own + ('.gz' if packed else '')!r}, but holds {what}", hint=hint
    )


def _held(beginning: bytes) -> tuple[str, str | None] | None:
    if beginning.startswith(b"PK\x03\x04"):
        return _zipped(beginning)
    if beginning[_TAR_MAGIC] == b"ustar":
        return "a tar archive", ".tar"
    for first, what, ending in _SIGNATURES:
        if beginning.startswith(first):
            return what, ending
    return None


def _zipped(beginning: bytes) -> tuple[str, str | None]:
    """By the name of the first member: workbooks and files of arrays are zips."""
    length = int.from_bytes(beginning[_ZIP_NAME_LENGTH], "little")
    first = beginning[_ZIP_NAME : _ZIP_NAME + length].decode("utf-8", "replace")
    if first.startswith(_SHEETS):
        return "an Excel or Office file", None
    return ("arrays of NumPy", ".npz") if first.endswith(".npy") else ("a zip archive", ".zip")
