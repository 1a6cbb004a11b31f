import hashlib
import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pileus.data.errors import ManifestDamaged
from pileus.data.manifest import read_manifest, version_id, write_manifest
from pileus.data.schema import Item, SkippedPart, SkippedParts
from tests.unit.data.build import class_folder, csv_file, ingested, table_text

items = st.lists(
    st.builds(
        Item,
        path=st.text(min_size=1),
        label=st.text(),
        sha256=st.just("ab" * 32),
        size=st.integers(1, 10**12),
        split=st.sampled_from(["train", "untouched"]),
        pack=st.integers(0, 9),
        offset=st.integers(0, 9),
    ),
    unique_by=lambda item: item.path,
)


@pytest.fixture
def images(tmp_path):
    return ingested(class_folder(tmp_path / "in", {"a": 4, "b": 4}), tmp_path / "out").manifest


@pytest.fixture
def table(tmp_path):
    return ingested(csv_file(tmp_path / "t.csv", table_text()), tmp_path / "out").manifest


def replaced(manifest, **changes):
    return write_manifest(msgspec.structs.replace(manifest, **changes))


def first_item(manifest, **changes):
    return (msgspec.structs.replace(manifest.items[0], **changes), *manifest.items[1:])


class TestVersionId:
    @settings(deadline=None)
    @given(items, st.randoms(use_true_random=False))
    def test_order_does_not_matter(self, listed, random):
        listed = [item for item in listed if item.path.isprintable()]

        shuffled = random.sample(listed, len(listed))

        assert version_id("images", shuffled) == version_id("images", listed)

    def test_the_format_never_changes(self):
        item = Item("cats/ä.png", "cats", "ab" * 32, 7, "train", 0, 0)
        lines = f'["pileus.dataset",1,"images"]\n["cats/ä.png","cats","{"ab" * 32}",7,"train"]\n'

        expected = "dsv_" + hashlib.sha256(lines.encode()).hexdigest()[:40]

        assert version_id("images", [item]) == expected

    @given(items)
    @settings(max_examples=50)
    def test_is_a_digest_of_plain_json_lines(self, listed):
        encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
        lines = [["pileus.dataset", 1, "images"]] + [
            [item.path, item.label, item.sha256, item.size, item.split]
            for item in sorted(listed, key=lambda item: item.path)
        ]
        plain = "".join(encode(line) + "\n" for line in lines).encode()

        assert version_id("images", listed) == "dsv_" + hashlib.sha256(plain).hexdigest()[:40]

    def test_where_the_bytes_are_does_not_matter(self):
        item = Item("a", "x", "ab" * 32, 7, "train", 0, 0)

        moved = msgspec.structs.replace(item, pack=3, offset=9)

        assert version_id("images", [item]) == version_id("images", [moved])

    @pytest.mark.parametrize(
        "change", [{"label": "y"}, {"split": "untouched"}, {"size": 8}, {"path": "b"}]
    )
    def test_what_is_trained_on_matters(self, change):
        item = Item("a", "x", "ab" * 32, 7, "train", 0, 0)

        changed = msgspec.structs.replace(item, **change)

        assert version_id("images", [item]) != version_id("images", [changed])


class TestReadManifest:
    def test_what_was_written_comes_back(self, images, table):
        assert read_manifest(write_manifest(images)) == images
        assert read_manifest(write_manifest(table)) == table

    def test_an_id_that_is_not_of_the_items_is_refused(self, images):
        with pytest.raises(ManifestDamaged, match="by its items"):
            read_manifest(replaced(images, id="dsv_" + "0" * 40))

    @pytest.mark.parametrize(
        "change",
        [
            {"path": "../up"},
            {"path": "/root"},
            {"path": "a\\b"},
            {"path": "a\nb"},
            {"path": "e\u0301"},
            {"path": "zz/last"},
            {"sha256": "AB" * 32},
            {"pack": 5},
            {"pack": -1},
            {"offset": -1},
            {"offset": 10**9},
            {"size": 0},
            {"size": 10**12},
            {"label": "stranger"},
            {"split": "untouched"},
        ],
    )
    def test_an_item_that_does_not_hold_together_is_refused(self, images, change):
        changed = first_item(images, **change)

        with pytest.raises(ManifestDamaged):
            read_manifest(replaced(images, items=changed, id=version_id("images", changed)))

    @pytest.mark.parametrize(
        "change",
        [
            {"schema": 2},
            {"classes": None},
            {"classes": ("a",)},
            {"classes": ("a", "a")},
            {"image": None},
            {"label": "x"},
            {"task": "regression"},
            {"kind": "table"},
            {"items": ()},
            {"packs": ()},
        ],
    )
    def test_a_contradiction_is_refused(self, images, change):
        with pytest.raises(ManifestDamaged):
            read_manifest(replaced(images, **change))

    def test_what_was_skipped_comes_back_and_does_not_change_the_id(self, images):
        part = SkippedPart("a.png", "image_damaged", "cut", 3)
        parts = SkippedParts(2, (("image_damaged", 2),), (part,))

        found = read_manifest(replaced(images, skipped=parts))

        assert (found.skipped, found.id) == (parts, images.id)

    @pytest.mark.parametrize(
        "total, codes, names",
        [
            (0, (), 0),
            (3, (("image_damaged", 2),), 1),
            (1, (("image_damaged", 2), ("source_changed", -1)), 1),
            (2, (("image_damaged", 1), ("image_damaged", 1)), 1),
            (1, (("<b>", 1),), 0),
            (1, (("image_damaged", 1),), 2),
            (99, (("image_damaged", 99),), 51),
            (1, (("source_changed", 1),), 1),
        ],
    )
    def test_skipped_parts_that_do_not_add_up_are_refused(self, images, total, codes, names):
        part = SkippedPart("a.png", "image_damaged", "cut")
        parts = SkippedParts(total, codes, (part,) * names)

        with pytest.raises(ManifestDamaged):
            read_manifest(replaced(images, skipped=parts))

    def test_a_skipped_part_with_an_endless_name_is_refused(self, images):
        part = SkippedPart("a" * 301, "image_damaged", "cut")
        parts = SkippedParts(1, (("image_damaged", 1),), (part,))

        with pytest.raises(ManifestDamaged, match="skipped"):
            read_manifest(replaced(images, skipped=parts))

    def test_columns_of_a_table_are_checked(self, table):
        twice = (table.columns[0], table.columns[0])
        category = msgspec.structs.replace(table.columns[0], type="category", values=("b", "a"))

        for columns in (None, (), twice, (category,)):
            with pytest.raises(ManifestDamaged):
                read_manifest(replaced(table, columns=columns))

    @pytest.mark.parametrize(
        "data", [b"", b"{}", b"null", b"[" * 5000, b"\xff", b'{"schema":1,"items":[[1]]}']
    )
    def test_other_bytes_are_refused(self, data):
        with pytest.raises(ManifestDamaged, match="not a manifest"):
            read_manifest(data)

    def test_a_field_of_a_later_version_is_ignored(self, images):
        data = write_manifest(images)[:-1] + b',"later":1}'

        assert read_manifest(data) == images
