import json

import httpx
import pytest

from pileus.cli.export import export_items, placed
from pileus.sdk import Client

MANIFEST = {
    "kind": "images",
    "items": [
        ["a/1.pgm", "a", "", 3, "train", 0, 0],
        ["b/2.pgm", "b", "", 2, "untouched", 1, 0],
        ["all/3.pgm", "b", "", 4, "train", 0, 3],
    ],
    "packs": [{"digest": "p0"}, {"digest": "p1"}],
}
BLOBS = {"m": json.dumps(MANIFEST).encode(), "p0": b"onetree", "p1": b"xy"}


@pytest.fixture
def client():
    def answer(request):
        return httpx.Response(200, content=BLOBS[request.url.path.rpartition("/")[2]])

    return Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(answer))


class TestExportItems:
    def test_each_item_is_a_file_with_its_own_bytes(self, client, tmp_path):
        export_items(client, {"manifest": "m"}, tmp_path)

        assert (tmp_path / "a" / "1.pgm").read_bytes() == b"one"
        assert (tmp_path / "b" / "2.pgm").read_bytes() == b"xy"
        assert (tmp_path / "b" / "3.pgm").read_bytes() == b"tree"

    def test_one_split_alone(self, client, tmp_path):
        made = export_items(client, {"manifest": "m"}, tmp_path, split="untouched")

        assert made == [tmp_path / "b" / "2.pgm"]

    def test_no_more_than_asked_for(self, client, tmp_path):
        assert len(export_items(client, {"manifest": "m"}, tmp_path, limit=2)) == 2


class TestPlaced:
    def test_the_folder_of_an_image_names_its_class(self):
        assert placed("images/00007.pgm", "7") == "7/00007.pgm"
        assert placed("train/cats/1.jpg", "cats") == "train/cats/1.jpg"
