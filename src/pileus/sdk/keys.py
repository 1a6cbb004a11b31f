"""Keys: encryption at rest of a project, and of the installation."""

from __future__ import annotations

from pileus.sdk.api import Api, Document


class Keys:
    """Keys of a project, for its admins."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def encryption(self) -> Document:
        """Whether new blobs are encrypted, and the id of the master key."""
        return self._api.get("/api/v1/encryption")

    def list(self) -> Document:
        """Keys with the number of blobs under each, plain blobs, and the rewriting of them."""
        return self._api.get(self._api.path("keys"))

    def rotate(self, *, rewrite: bool = False) -> Document:
        """A new key for new blobs; with `rewrite`, old ones are encrypted with it, too."""
        return self._api.create(self._api.path("keys", "rotate"), {"rewrite": rewrite})

    def rewrite(self) -> Document:
        """Encrypt every blob with the current key, in the background."""
        return self._api.post(self._api.path("keys", "rewrite"))

    def shred(self, confirm: str) -> Document:
        """Destroy keys and blobs of the project; `confirm` is its name. Not to be undone."""
        return self._api.post(self._api.path("keys", "shred"), {"confirm": confirm})

    def rotate_master(self) -> Document:
        """A new master key for all projects, by an operator."""
        return self._api.post("/api/v1/keys/master/rotate")
