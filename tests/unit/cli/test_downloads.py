import httpx
import pytest

from pileus.cli.downloads import save_artifacts
from pileus.cli.session import Session
from pileus.core.errors import InvalidRequest
from pileus.sdk import Client


@pytest.fixture
def session():
    made = Session()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=b"bytes"))
    made.__dict__["client"] = Client("http://pileus.test", "plt_x", transport=transport)
    return made


class TestSave:
    def test_directories_of_the_path_are_made(self, session, tmp_path):
        save_artifacts(session, "job_1", [{"path": "bundle/model.onnx"}], tmp_path / "out")

        assert (tmp_path / "out" / "bundle" / "model.onnx").read_bytes() == b"bytes"

    @pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x"])
    def test_a_path_that_leaves_the_directory_is_refused(self, session, tmp_path, path):
        with pytest.raises(InvalidRequest, match="outside"):
            save_artifacts(session, "job_1", [{"path": path}], tmp_path / "out")

        assert list(tmp_path.iterdir()) == []

    def test_a_directory_that_cannot_be_made_is_named(self, session, tmp_path):
        (tmp_path / "file").touch()

        with pytest.raises(InvalidRequest, match="cannot be written"):
            save_artifacts(session, "job_1", [{"path": "x"}], tmp_path / "file")
