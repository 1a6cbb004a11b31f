"""Documents that user code wrote."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from pileus.jobs.told import MAX_BYTES, checked_exit, checked_result

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class TestCheckedResult:
    @given(st.dictionaries(st.sampled_from(["status", "summary", "error", "x"]), anything))
    def test_what_comes_out_can_be_stored_and_sent(self, document):
        result = checked_result(document)

        assert result is not None
        text = json.dumps(result, allow_nan=False, ensure_ascii=False)
        assert "\0" not in text
        assert len(text.encode()) <= 4 * MAX_BYTES
        assert isinstance(result.get("summary", {}), dict)
        assert isinstance(result.get("error", {}), dict)

    def test_a_sound_one_stays_as_it_is(self):
        document = {"schema": 1, "status": "succeeded", "error": {"a": 1}, "summary": {"b": 0.5}}

        assert checked_result(document) == document

    def test_nothing_stays_nothing(self):
        assert checked_result(None) is None


class TestCheckedExit:
    def test_one_too_large_keeps_what_decides(self):
        document = {"code": 3, "reason": "exited", "noise": ["x" * 9000] * 100}

        assert checked_exit(document) == {
            "schema": None,
            "code": 3,
            "signal": None,
            "reason": "exited",
        }
