import json

import httpx

from pileus.cli.quickstart.samples import untouched_samples
from pileus.sdk import Client

PACK = b"aabbcc"
MANIFEST = {
    "packs": [{"digest": "p", "size": 6}],
    "items": [
        ["train/1.png", "0", "a", 2, "train", 0, 0],
        ["x/2.png", "0", "b", 2, "untouched", 0, 2],
        ["x/3.pgm", "1", "c", 2, "untouched", 0, 4],
    ],
}


def client():
    blobs = {"m": json.dumps(MANIFEST).encode(), "p": PACK}

    def answer(request):
        return httpx.Response(200, content=blobs[request.url.path.rpartition("/")[2]])

    return Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(answer))


class TestSamples:
    def test_only_untouched_items_come_one_of_each_class_first(self):
        found = untouched_samples(client(), {"manifest": "m"}, 5)

        assert [(one.label, one.content) for one in found] == [("0", b"bb"), ("1", b"cc")]
        assert found[1].content_type == "image/x-portable-graymap"

    def test_no_more_come_than_are_asked_for(self):
        assert len(untouched_samples(client(), {"manifest": "m"}, 1)) == 1
