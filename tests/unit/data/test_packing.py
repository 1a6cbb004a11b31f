import hashlib

import pytest

from pileus.data import packing
from pileus.data.packing import Packer


def sha(data):
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def packer(tmp_path):
    return Packer(tmp_path / "packs")


class TestPacker:
    def test_small_items_share_a_pack(self, packer):
        first, second = (packer.add(data, sha(data)) for data in (b"one", b"two"))

        (pack,) = packer.close()

        assert (first.pack, first.offset, second.pack, second.offset) == (0, 0, 0, 3)
        assert pack.digest == sha(b"onetwo")

    def test_files_have_the_digest_that_names_them(self, packer):
        packer.add(b"one", sha(b"one"))
        packer.close()

        (blob,) = packer.blobs()

        assert blob.path.name == blob.digest == sha(blob.path.read_bytes())

    def test_a_large_item_is_a_pack_of_its_own(self, packer):
        large = bytes(packing.SMALL_BYTES)
        packer.add(b"small", sha(b"small"))

        place = packer.add(large, sha(large))
        after = packer.add(b"more", sha(b"more"))
        packs = packer.close()

        assert (place.pack, place.offset) == (1, 0)
        assert (after.pack, after.offset) == (0, 5)
        assert packs[1].digest == sha(large)

    def test_a_full_pack_is_followed_by_another(self, packer, monkeypatch):
        monkeypatch.setattr(packing, "PACK_BYTES", 5)

        places = [packer.add(data, sha(data)) for data in (b"abc", b"de", b"f")]

        assert [place.pack for place in places] == [0, 0, 1]
        assert [pack.size for pack in packer.close()] == [5, 1]

    def test_equal_bytes_are_stored_once(self, packer):
        places = {packer.add(b"same", sha(b"same")) for _ in range(3)}

        assert len(places) == 1
        assert packer.close()[0].size == 4
