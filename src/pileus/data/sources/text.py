"""
Lines of a text file, of whatever line ends, in UTF-8 or the encoding that was named.

A line that holds what is not text is given with marks in it, so that its reader can say where it
is and go on: `fault` says what is wrong with it.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from pathlib import Path

from pileus.core.errors import PileusError
from pileus.data.errors import EncodingRefused, TableDamaged
from pileus.data.sources.contents import refuse_other_contents
from pileus.data.sources.encoding import SAMPLE_BYTES, is_marked, looks_like
from pileus.data.sources.reading import reading, steady

MAX_LINE = 16 * 1024 * 1024
"""Characters of one line."""

_CHUNK = 512 * 1024
"""Characters that are decoded at once."""

_MARKS = "pileus-marks"
_MARKED = re.compile("[\udc00-\udcff]+")
_SURE = 20
"""So many characters beyond ASCII are valid UTF-8 by no accident."""

_DAMAGED_SHARE = 0.1
"""With more lines of its beginning undecodable, a file is of another encoding, not damaged."""


def _mark(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no text become characters that no text has: U+DC00 to U+DCFF."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return "".join(chr(0xDC00 + byte) for byte in wrong), error.end


codecs.register_error(_MARKS, _mark)


class TextFile:
    """One file of text, also `.gz`."""

    def __init__(
        self, path: Path, name: str, encoding: str | None = None, *, is_forgiving: bool = False
    ) -> None:
        self._path = path
        self._name = name
        self._encoding = encoding and _known(encoding)
        self._is_forgiving = is_forgiving
        self._beginning = b""

    def chunks(self) -> Iterator[str]:
        """
        The text in chunks of whole lines, all of which end in a line feed. Raises EncodingRefused
        when the beginning is of another encoding, where a forgiving reader accepts a few such lines;
        SourceUnknown when it is no text at all, but of a kind that its ending does not say;
        SourceChanged after the last one.
        """
        self._check_beginning()
        with steady(self._path, self._name) as stream:
            text = io.TextIOWrapper(stream, self._encoding or "utf-8-sig", _MARKS, newline=None)
            number, rest = 1, ""
            while chunk := text.read(_CHUNK):
                if number == 1 and not rest:
                    chunk = chunk.lstrip("\ufeff")
                whole, end, more = chunk.rpartition("\n")
                if not end:
                    rest += more
                    self._check_length(number, rest)
                    continue
                whole = rest + whole + "\n"
                number += whole.count("\n")
                yield whole
                rest = more
            if rest:
                yield rest + "\n"

    def lines(self) -> Iterator[str]:
        """Every line, without its end."""
        for chunk in self.chunks():
            yield from chunk[:-1].split("\n")

    def is_clean(self, chunk: str) -> bool:
        """Whether no line of a chunk has a fault."""
        return "\0" not in chunk and (chunk.isascii() or not _MARKED.search(chunk))

    def fault(self, number: int, line: str) -> PileusError | None:
        """Why line `number` is no text, if it is not."""
        if "\0" in line:
            return TableDamaged(
                f"{self._name!r}, line {number}: it holds a zero byte",
                hint="Remove it; --skip-bad passes over such lines.",
            )
        if line.isascii() or not (found := _MARKED.search(line)):
            return None
        wrong = bytes(ord(char) - 0xDC00 for char in found[0][:8])
        what = f"{self._name!r}, line {number}: it is not {self._encoding or 'UTF-8'} at {wrong!r}"
        if self._is_forgiving:
            return EncodingRefused(what)
        sample = self._beginning if self._encoding else line.encode(errors="surrogateescape")
        return _refused(what, looks_like(sample), self._encoding)

    def _check_length(self, number: int, line: str) -> None:
        if len(line) > MAX_LINE:
            raise TableDamaged(
                f"{self._name!r}, line {number}: it has more than {MAX_LINE:,} characters",
                hint="Make sure that this is a table, and that its rows end in line ends.",
            )

    def _check_beginning(self) -> None:
        with reading(self._path, self._name) as stream:
            sample = self._beginning = stream.read(SAMPLE_BYTES)
        refuse_other_contents(sample, self._name)
        # It may end inside a character, never inside a line.
        whole = sample[: sample.rfind(b"\n") + 1] or sample
        if self._encoding is not None:
            self._refuse_utf8(whole)
            return
        found = looks_like(sample) if is_marked(sample) else None
        if found not in {None, "utf-8"}:
            raise _refused(f"{self._name!r} is not UTF-8", found)
        try:
            whole.decode()
        except UnicodeDecodeError as error:
            lines = whole.splitlines()
            if self._is_forgiving and sum(map(_is_bad, lines)) <= _DAMAGED_SHARE * len(lines):
                return
            line = whole[: error.start].count(b"\n") + 1
            wrong = whole[error.start : error.start + 8]
            what = f"{self._name!r}, line {line}: it is not UTF-8 at {wrong!r}"
            raise _refused(what, looks_like(whole)) from error

    def _refuse_utf8(self, sample: bytes) -> None:
        """Chinese in UTF-8 that is read as GBK is nonsense without an error."""
        if codecs.lookup(self._encoding or "").name.startswith("utf-8"):
            return
        try:
            foreign = sum(ord(char) > 127 for char in sample.decode())
        except UnicodeDecodeError:
            return
        if foreign >= _SURE or sample.startswith(codecs.BOM_UTF8):
            raise EncodingRefused(
                f"{self._name!r} is UTF-8, not {self._encoding}", hint="Leave --encoding out."
            )


def _refused(what: str, found: str | None, wanted: str | None = None) -> EncodingRefused:
    if found in {None, "utf-8", wanted}:
        ask = "Correct the line, or name the encoding with --encoding"
        return EncodingRefused(what, hint=f"{ask}; --skip-bad passes over such lines.")
    return EncodingRefused(
        f"{what}; it looks like {found}", hint=f"Add this to the command: --encoding {found}"
    )


def _is_bad(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return True
    return False


def _known(encoding: str) -> str:
    try:
        b"a".decode(encoding)
    except UnicodeDecodeError:
        return encoding  # half a character of it
    except (LookupError, ValueError) as error:
        raise EncodingRefused(
            f"There is no encoding {encoding!r}",
            hint="Use a name such as utf-8, gbk, gb18030, big5, utf-16, cp1252 or latin-1.",
        ) from error
    return encoding
