import hashlib

import pytest
from pydantic import ValidationError

from pileus.core.schemas.code import (
    MAX_BYTES,
    CodeFile,
    CodeManifest,
    checked_path,
    code_id,
    read_manifest,
)

DIGEST = hashlib.sha256(b"").hexdigest()


def manifest_of(*paths, size=0):
    files = tuple(CodeFile(path=path, size=size, digest=DIGEST) for path in paths)
    return CodeManifest(pack=DIGEST, files=files)


class TestCheckedPath:
    @pytest.mark.parametrize("path", ["a.py", "src/a b/ü.py", ".hidden", "a..b"])
    def test_a_path_inside_is_taken(self, path):
        assert checked_path(path) == path

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/a",
            "a/",
            "a//b",
            "../a",
            "a/../b",
            "./a",
            "a\0b",
            "a\nb",
            "u\u0308",
            "\udcff",
            "x" * 1001,
        ],
    )
    def test_any_other_is_not(self, path):
        with pytest.raises(ValueError, match=r"is not|holds"):
            checked_path(path)


class TestManifest:
    def test_its_id_depends_on_its_content_alone(self):
        one, other = manifest_of("a.py"), manifest_of("a.py")

        assert code_id(one.content()) == code_id(other.content())
        assert code_id(one.content()) != code_id(manifest_of("b.py").content())
        assert len(code_id(one.content())) == len("code_") + 40

    def test_it_reads_what_it_wrote(self):
        manifest = manifest_of("a.py", "ü/b.py")

        assert read_manifest(manifest.content()) == manifest

    def test_another_way_of_writing_it_is_refused(self):
        with pytest.raises(ValueError, match="canonical"):
            read_manifest(manifest_of("a.py").content() + b"\n")

    @pytest.mark.parametrize("paths", [("b", "a"), ("a", "a"), ("a", "a/b"), ()])
    def test_files_stand_in_order_once_and_in_no_file(self, paths):
        with pytest.raises(ValidationError):
            manifest_of(*paths)

    def test_it_has_a_largest_size(self):
        with pytest.raises(ValidationError, match="more than"):
            manifest_of("a", "b", size=MAX_BYTES // 2 + 1)
