"""Which encoding bytes look like. It is only ever proposed: what is not UTF-8 is not guessed."""

from __future__ import annotations

import codecs

SAMPLE_BYTES = 256 * 1024

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before the BOM of UTF-16, with which it begins
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CANDIDATES = ["big5", "cp932", "euc_jp", "euc_kr", "cp1251", "koi8_r", "cp1252"]
"""Asked among all it knows, charset-normalizer takes German for cp1250 and `café` for cp1006."""

_WESTERN = "cp1252"
_COMMON_SHARE = 0.8


def is_marked(sample: bytes) -> bool:
    """Whether `sample` says what it is: by its first bytes, or by zero bytes."""
    return b"\0" in sample or sample.startswith(tuple(bom for bom, _ in _BOMS))


def looks_like(sample: bytes) -> str | None:
    """The name of an encoding for `--encoding`; None when none stands out."""
    for bom, name in _BOMS:
        if sample.startswith(bom):
            return name
    if b"\0" in sample:
        return _utf16(sample)
    # The sample may end inside a character, never inside a line.
    whole = sample[: sample.rfind(b"\n") + 1] or sample
    return _utf8(whole) or _gbk(whole) or _other(whole)


def _utf16(sample: bytes) -> str | None:
    """ASCII has a zero byte in each pair, always on one side, and line ends are ASCII."""
    first, second = sample[0::2].count(0), sample[1::2].count(0)
    name = "utf-16-le" if second > first else "utf-16-be"
    try:
        return name if "\n" in sample.decode(name) else None
    except UnicodeDecodeError:
        return None


def _utf8(sample: bytes) -> str | None:
    try:
        sample.decode()
    except UnicodeDecodeError:
        return None
    return "utf-8"


def _gbk(sample: bytes) -> str | None:
    """Chinese, if most characters are among the 3,755 common ones, which lie together."""
    try:
        foreign = [char for char in sample.decode("gb18030") if ord(char) > 127]
    except UnicodeDecodeError:
        return None
    common = kana = 0
    for char in foreign:
        code = char.encode("gb18030")
        is_level_one = len(code) == 2 and 0xB0 <= code[0] <= 0xD7 and code[1] >= 0xA1
        is_mark = len(code) == 2 and code[0] in {0xA1, 0xA3}
        common += is_level_one or is_mark
        kana += len(code) == 2 and code[0] in {0xA4, 0xA5}
    if not foreign or kana * 10 > len(foreign) or common < _COMMON_SHARE * len(foreign):
        return None
    try:
        sample.decode("gbk")
    except UnicodeDecodeError:
        return "gb18030"
    return "gbk"


def _other(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes  # start-up time: only for text that is not UTF-8

    matches = list(from_bytes(sample, cp_isolation=_CANDIDATES))
    if not matches:
        return None
    best = matches[0]
    equal = [one.encoding for one in matches if one.chaos == best.chaos and not one.coherence]
    return _WESTERN if not best.coherence and _WESTERN in equal else best.encoding
