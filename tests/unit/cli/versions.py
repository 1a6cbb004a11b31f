"""A server that has what `prepare` made, for the commands that look at dataset versions."""

import hashlib
import json

import httpx

from pileus.sdk import Client


class VersionServer:
    """Serves prepared versions by name, with the profiles they came with."""

    def __init__(self, **prepared):
        self.blobs: dict[str, bytes] = {}
        self.profiles: dict[str, list[str]] = {}
        self.names: dict[str, dict[str, object]] = {}
        self.forbidden: set[str] = set()
        for name, one in prepared.items():
            for blob in one.blobs:
                self.blobs[blob.digest] = blob.path.read_bytes()
            self.profiles[one.manifest.id] = [one.profile.digest]
            self.names[name] = self.names[one.manifest.id] = {
                "id": one.manifest.id,
                "dataset": name,
                "number": 1,
                "manifest": one.manifest_digest,
                "packs": [{"digest": p.digest, "size": p.size} for p in one.manifest.packs],
                "size_bytes": one.manifest.size_bytes,
                "source": "here <b>",
            }

    def client(self):
        return Client("http://pileus.test", "plt_x", transport=httpx.MockTransport(self))

    def __call__(self, request):
        tail = request.url.path.removeprefix("/api/v1/projects/default/").split("/")
        if tail[0] == "dataset-versions":
            version = self.names[tail[1]]
            return self._profiles(request, version) if len(tail) == 3 else _answer(version)
        if tail[1] == "missing":
            asked = json.loads(request.content)["digests"]
            return _answer({"missing": [one for one in asked if one not in self.blobs]})
        if request.method == "PUT":
            assert hashlib.sha256(request.content).hexdigest() == tail[1]
            self.blobs[tail[1]] = request.content
            return httpx.Response(204)
        if tail[1] in self.forbidden:
            error = {"code": "role_too_low", "family": "not_allowed", "message": "no", "hint": None}
            return httpx.Response(403, json={"error": error})
        return httpx.Response(200, content=self.blobs[tail[1]])

    def _profiles(self, request, version):
        known = self.profiles[version["id"]]
        if request.method == "POST":
            digest = json.loads(request.content)["profile"]
            assert digest in self.blobs
            known.append(digest)
        return _answer({"items": [{"digest": digest} for digest in known], "next": None})


def _answer(document):
    return httpx.Response(200, json=document)
