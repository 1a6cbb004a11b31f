import base64
import io

import pytest
from PIL import Image

from pileus.cli.contact_sheet import contact_sheet
from tests.unit.cli.versions import VersionServer
from tests.unit.data.build import class_folder, ingested, png


@pytest.fixture
def server(tmp_path):
    root = class_folder(tmp_path / "in", {"a": 20, "b": 2})
    (root / "a" / "00.png").write_bytes(png(77, (300, 100)))
    return VersionServer(pets=ingested(root, tmp_path / "out"))


def size(url):
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size


class TestContactSheet:
    def test_has_a_few_small_images_of_each_class(self, server):
        sheet = contact_sheet(server.client(), server.names["pets"])

        assert (len(sheet["a"]), len(sheet["b"])) == (8, 1)
        assert all(max(size(url)) <= 72 for urls in sheet.values() for url in urls)

    def test_is_empty_for_who_may_not_fetch_items(self, server):
        server.forbidden.add(server.names["pets"]["packs"][0]["digest"])

        assert contact_sheet(server.client(), server.names["pets"]) == {}
