import json

import pytest

from pileus.inference.bundle import check_path, read_bundle
from pileus.inference.errors import BundleDamaged, BundleUnreadable
from pileus.inference.runtimes.onnx import OnnxRuntime
from tests.unit.inference.graphs import write_echo_bundle, write_rows_bundle


@pytest.fixture
def directory(tmp_path):
    return write_rows_bundle(tmp_path / "bundle")


def edit(directory, **changes):
    path = directory / "bundle.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


class TestReadBundle:
    def test_a_whole_bundle_is_read(self, directory):
        bundle = read_bundle(directory)

        assert bundle.inputs[0].content == "row"
        assert bundle.classes == ("small", "middle", "large")

    def test_a_changed_file_is_refused(self, directory):
        with (directory / "model.onnx").open("ab") as stream:
            stream.write(b"x")

        with pytest.raises(BundleDamaged, match="has digest"):
            read_bundle(directory)

    def test_a_missing_file_is_refused(self, directory):
        (directory / "model.onnx").unlink()

        with pytest.raises(BundleDamaged, match=r"model\.onnx"):
            read_bundle(directory)

    def test_a_missing_description_is_refused(self, tmp_path):
        with pytest.raises(BundleDamaged, match=r"bundle\.json"):
            read_bundle(tmp_path)

    @pytest.mark.parametrize(
        "changes",
        [
            {"schema": 2},
            {"inputs": []},
            {"inputs": [{"name": "x", "datatype": "FP99", "shape": [-1]}]},
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": []}]},
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 0]}]},
            {"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1], "content": "sound"}]},
            {"graph": "../../etc/passwd"},
            {"graph": "/etc/passwd"},
            {"outputs": "none"},
        ],
    )
    def test_a_description_that_cannot_be_used_is_refused(self, directory, changes):
        edit(directory, **changes)

        with pytest.raises(BundleUnreadable):
            read_bundle(directory)

    def test_unknown_fields_of_a_newer_writer_are_ignored(self, directory):
        edit(directory, novelty=1)

        assert read_bundle(directory).graph == "model.onnx"


class TestCheckPath:
    @pytest.mark.parametrize("path", ["", "/a", "../a", "a/../b", "a\\b", "a\0b"])
    def test_paths_that_leave_the_bundle_are_refused(self, path):
        with pytest.raises(BundleUnreadable):
            check_path(path)


class TestOnnxRuntime:
    def test_a_graph_that_differs_from_its_signature_is_refused(self, tmp_path):
        directory = write_echo_bundle(tmp_path, "FP32")
        edit(directory, inputs=[{"name": "x", "datatype": "INT64", "shape": [-1, 2]}])

        with pytest.raises(BundleUnreadable, match="The graph takes"):
            OnnxRuntime(read_bundle(directory), directory)

    def test_an_output_that_the_graph_lacks_is_refused(self, tmp_path):
        directory = write_echo_bundle(tmp_path, "FP32")
        edit(directory, outputs=[{"name": "z", "datatype": "FP32", "shape": [-1, 2]}])

        with pytest.raises(BundleUnreadable, match="'z'"):
            OnnxRuntime(read_bundle(directory), directory)

    def test_a_file_that_is_no_graph_is_refused(self, tmp_path):
        directory = write_echo_bundle(tmp_path, "FP32")
        edit(directory, files=[])
        (directory / "model.onnx").write_bytes(b"no graph")

        with pytest.raises(BundleUnreadable, match="cannot load"):
            OnnxRuntime(read_bundle(directory), directory)
