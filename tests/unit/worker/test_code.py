import hashlib

import pytest

from pileus.core.schemas.code import CodeFile, CodeManifest
from pileus.worker.code import unpack
from pileus.worker.errors import InputDamaged, InputRefused


def snapshot(directory, pack=None, **files):
    """Manifest and pack of files by name; an upper-case name is a program."""
    content = "".join(files.values()).encode()
    manifest = CodeManifest(
        pack=hashlib.sha256(content).hexdigest(),
        files=tuple(
            CodeFile(
                path=path.lower().replace("__", "/"),
                size=len(text),
                digest=hashlib.sha256(text.encode()).hexdigest(),
                is_executable=path.isupper(),
            )
            for path, text in files.items()
        ),
    )
    (directory / "manifest").write_bytes(manifest.content())
    (directory / "pack").write_bytes(content if pack is None else pack)
    return directory / "manifest", directory / "pack"


class TestUnpack:
    def test_every_file_is_there_and_may_be_changed(self, tmp_path):
        target = tmp_path / "work"

        manifest, pack = snapshot(tmp_path, a="one", DEEP__B="two", empty="")
        unpack(manifest, pack, target)

        assert (target / "a").read_text() == "one"
        assert (target / "deep/b").read_text() == "two"
        assert (target / "empty").read_bytes() == b""
        assert (target / "a").stat().st_mode & 0o777 == 0o600
        assert (target / "deep/b").stat().st_mode & 0o777 == 0o700

    @pytest.mark.parametrize("content", [b"ont", b"on", b""])
    def test_a_pack_that_is_not_the_manifests_is_damaged(self, tmp_path, content):
        manifest, pack = snapshot(tmp_path, content, a="one")

        with pytest.raises(InputDamaged, match="'a'"):
            unpack(manifest, pack, tmp_path / "work")

    @pytest.mark.parametrize("path", ["../a", "/a", "a/../../b"])
    def test_a_path_that_leaves_the_directory_is_refused(self, tmp_path, path):
        manifest, pack = snapshot(tmp_path, a="one")
        manifest.write_bytes(manifest.read_bytes().replace(b'"a"', f'"{path}"'.encode()))

        with pytest.raises(InputRefused, match="not a path inside"):
            unpack(manifest, pack, tmp_path / "work")
        assert not (tmp_path / "work").exists()
