import pytest

from pileus.core.composing import composed, is_composed

COMPOSED, APART = "caf\u00e9", "cafe\u0301"


@pytest.mark.parametrize(
    "text, one", [("cafe", "cafe"), (COMPOSED, COMPOSED), (APART, COMPOSED), ("\ud800", "\ud800")]
)
def test_accents_are_joined_with_their_letters(text, one):
    assert composed(text) == one
    assert is_composed(text) == (text == one)
