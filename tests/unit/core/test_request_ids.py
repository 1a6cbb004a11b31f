import pytest

from pileus.core.request_ids import well_formed


class TestWellFormed:
    @pytest.mark.parametrize("given", ["req_01m87", "a", "A.b-C_9", "x" * 80])
    def test_is_taken_as_it_is(self, given):
        assert well_formed(given) == given

    @pytest.mark.parametrize("given", [None, "", "a b", "a\nb", "x" * 81, "ä", '"'])
    def test_nothing_else_is(self, given):
        assert well_formed(given) is None
