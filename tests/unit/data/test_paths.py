import pytest

from pileus.data.paths import path_fault


class TestPathFault:
    @pytest.mark.parametrize("path", ["a", "cats/1.png", "日本/é.png", "a b/..c"])
    def test_these_are_sound(self, path):
        assert path_fault(path) is None

    @pytest.mark.parametrize(
        "path",
        ["", "/a", "a//b", "a/", "./a", "a/../b", "a\\b", "a\tb", "e\u0301", "\udcff", "x" * 1025],
    )
    def test_these_are_not(self, path):
        assert path_fault(path)
