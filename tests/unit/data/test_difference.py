from pileus.data.difference import item_contents
from pileus.data.schema import Item


def item(path, content, label="a", split="train"):
    return Item(path, label, content, 1, split, 0, 0)


class TestItemContents:
    def test_equal_items_are_unchanged(self):
        items = [item("a/1", "x"), item("a/2", "y")]

        found = item_contents(items, items)

        assert (found.unchanged, found.added, found.removed) == (2, 0, 0)
        assert found.examples == {}

    def test_tells_each_change_by_content(self):
        before = [
            item("a/1", "stays"),
            item("a/2", "goes"),
            item("a/3", "relabelled"),
            item("a/4", "moves"),
            item("a/5", "renamed"),
        ]
        after = [
            item("a/1", "stays"),
            item("b/3", "relabelled", label="b"),
            item("a/4", "moves", split="untouched"),
            item("a/6", "renamed"),
            item("a/7", "comes"),
        ]

        found = item_contents(before, after)

        assert found.unchanged == found.renamed == 1
        assert found.examples == {
            "added": ("a/7",),
            "removed": ("a/2",),
            "relabelled": ("b/3",),
            "moved": ("a/4",),
        }

    def test_a_copy_more_is_added_and_one_less_removed(self):
        one, two = [item("a/1", "x")], [item("a/1", "x"), item("a/2", "x")]

        assert item_contents(one, two).examples == {"added": ("a/2",)}
        assert item_contents(two, one).examples == {"removed": ("a/2",)}

    def test_another_class_on_another_side_counts_as_both(self):
        found = item_contents([item("a/1", "x")], [item("b/1", "x", label="b", split="untouched")])

        assert (found.relabelled, found.moved, found.added, found.removed) == (1, 1, 0, 0)
