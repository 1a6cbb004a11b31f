from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.data.clean.first import Contents


class TestContents:
    @settings(deadline=None)
    @given(st.lists(st.binary(max_size=2)))
    def test_the_first_of_equals_is_the_first(self, found):
        contents = Contents()
        for content in found:
            contents.add(content)

        assert contents.first().tolist() == [one not in found[:at] for at, one in enumerate(found)]
