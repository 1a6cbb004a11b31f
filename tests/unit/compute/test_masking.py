"""Secrets in streams that are cut anywhere."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pileus.compute.masking import MASK, MIN_BYTES, Masker, masked, patterns_of
from pileus.core.schemas import secrets

SECRET = b"hunter2-correct-horse"
KEY = b"-----BEGIN KEY-----\nAAAAbbbbCCCC\nx\nddddEEEEffff\n-----END KEY-----\n"

pieces = st.lists(st.binary(max_size=12).map(lambda raw: bytes(97 + byte % 3 for byte in raw)))
few_letters = st.binary(min_size=MIN_BYTES, max_size=9).map(
    lambda raw: bytes(97 + byte % 3 for byte in raw)
)


def fed(patterns, parts):
    masker = Masker(patterns)
    return b"".join([*map(masker.feed, parts), masker.finish()])


class TestMasker:
    def test_a_value_becomes_three_stars(self):
        assert fed([SECRET], [b"pw=" + SECRET + b"\n"]) == b"pw=***\n"

    def test_a_value_that_comes_in_single_bytes_does_too(self):
        text = b"pw=" + SECRET + b", " + SECRET + b"\n"

        assert fed([SECRET], [bytes([byte]) for byte in text]) == b"pw=***, ***\n"

    def test_a_line_goes_out_as_soon_as_it_is_whole(self):
        masker = Masker([SECRET])

        assert masker.feed(b"no secret here\n") == b"no secret here\n"
        assert masker.feed(b"pw=hunter2") == b"pw="
        assert masker.feed(b"\n") == b"hunter2\n"

    def test_the_longer_of_two_values_with_one_begin_is_masked_whole(self):
        assert fed([b"abcd", b"abcdefgh"], [b"1 abcd", b"efgh 2 abcd", b" 3"]) == b"1 *** 2 *** 3"

    def test_values_that_overlap_are_masked_as_one(self):
        assert fed([b"abcdXY", b"XYlonger"], [b"<abcdXY", b"longer>"]) == b"<***>"

    def test_the_begin_of_a_value_is_masked_where_the_writer_was_cut_off(self):
        assert fed([SECRET], [b"pw=", SECRET[:-3]]) == b"pw=***"
        assert fed([SECRET], [b"pw=", SECRET[:2]]) == b"pw=hu"

    @given(st.lists(few_letters, min_size=1, max_size=3), pieces)
    def test_how_the_stream_is_cut_makes_no_difference(self, patterns, parts):
        assert fed(patterns, parts) == fed(patterns, [b"".join(parts)])

    @given(st.lists(few_letters, min_size=1, max_size=3), pieces)
    def test_no_value_is_left_and_nothing_else_is_lost(self, patterns, parts):
        text = b"".join(parts)

        told = fed(patterns, parts)

        assert not any(pattern in told for pattern in patterns)
        if not any(pattern[:MIN_BYTES] in text for pattern in patterns):
            assert told == text

    def test_a_value_that_repeats_itself_is_held_no_longer_than_it_is(self):
        masker = Masker([b"aaaa"])

        told = b"".join(masker.feed(b"a" * 1000) for _ in range(100))

        assert told == MASK
        assert masker.feed(b"b") == b"b"


class TestPatternsOf:
    @pytest.mark.parametrize(
        "printed",
        [
            base64.b64encode(SECRET),
            base64.b64encode(b"\xff\xfe\xfd" * 9 + SECRET),
            json.dumps({"password": SECRET.decode()}).encode(),
            repr({"password": SECRET.decode()}).encode(),
        ],
    )
    def test_programs_print_it_in_other_forms(self, printed):
        told = masked(printed, patterns_of([SECRET]))

        assert MASK in told
        assert SECRET not in told
        assert base64.b64encode(SECRET)[:-4] not in told

    @pytest.mark.parametrize("before", [b"u:", b"us:", b"use:"])
    def test_base64_of_something_longer_is_masked(self, before):
        header = base64.b64encode(before + SECRET + b"!")

        told = masked(b"Authorization: Basic " + header, patterns_of([SECRET]))

        shown = told.removeprefix(b"Authorization: Basic ").replace(MASK, b"")
        assert MASK in told
        assert len(shown) <= 10

    def test_quotes_newlines_and_letters_beyond_ascii_are_escaped_by_programs(self):
        value = 'pä"ss\nwörd/1'
        patterns = patterns_of([value.encode()])

        for printed in (json.dumps(value), json.dumps(value, ensure_ascii=False), quote(value, "")):
            told = masked(printed.encode(), patterns)
            assert told.strip(b'"') == MASK, printed

    def test_each_line_of_a_key_is_masked_and_a_short_one_is_not(self):
        told = masked(b"> " + KEY.replace(b"\n", b"\r\n> "), patterns_of([KEY]))

        assert told == b"> ***\r\n> ***\r\n> x\r\n> ***\r\n> ***\r\n> "

    def test_white_space_around_a_value_is_not_part_of_it(self):
        assert masked(b"[abcdef]", patterns_of([b" abcdef\n"])) == b"[***]"

    def test_bytes_that_are_no_text_are_masked_too(self):
        value = b"\xff\x00\xfe\x01\xfd\x02"

        assert masked(b"<" + value + b">", patterns_of([value])) == b"<***>"


def test_whatever_may_be_kept_can_be_masked() -> None:
    # The runner knows no schemas, and so has a number of its own.
    assert secrets.MIN_BYTES >= MIN_BYTES
