import json

import pytest

from pileus.compute.layout import Layout
from pileus.core.schemas.jobs import AttemptInput, InputFile
from pileus.worker.cache import BlobCache
from pileus.worker.errors import InputRefused
from pileus.worker.materialise import materialise, remove_tree
from tests.unit.worker.fakes import FakeServer, make_order
from tests.unit.worker.test_code import snapshot


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
def cache(server, tmp_path):
    return BlobCache(tmp_path / "cache", server, max_mib=100)


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "att_1")


def order_of(*files, name="data"):
    return make_order(inputs=(AttemptInput.model_construct(name=name, kind="files", files=files),))


class TestMaterialise:
    async def test_inputs_are_placed_and_read_only(self, layout, cache, server):
        file = server.add_blob("deep/a.csv", b"1,2\n")

        await materialise(layout, order_of(file), cache)

        placed = layout.inputs / "data" / "deep" / "a.csv"
        assert placed.read_bytes() == b"1,2\n"
        assert placed.stat().st_mode & 0o222 == 0
        assert placed.parent.stat().st_mode & 0o222 == 0

    async def test_the_rest_is_there_and_private(self, layout, cache):
        await materialise(layout, make_order(params={"epochs": 2}), cache)

        spec = json.loads(layout.spec.read_text())
        assert (spec["schema"], spec["params"]) == (1, {"epochs": 2})
        assert layout.token.read_text() == "pla_secret"
        for path in (layout.token, layout.spec):
            assert path.stat().st_mode & 0o777 == 0o600
        assert layout.directory.stat().st_mode & 0o777 == 0o700

    async def test_without_inputs_there_is_no_directory_of_them(self, layout, cache):
        await materialise(layout, make_order(), cache)

        assert not layout.inputs.exists()

    async def test_doing_it_again_changes_nothing(self, layout, cache, server):
        order = order_of(server.add_blob("a", b"content"))

        await materialise(layout, order, cache)
        await materialise(layout, order, cache)

        assert (layout.inputs / "data" / "a").read_bytes() == b"content"

    @pytest.mark.parametrize(
        "name, path", [("data", "../a"), ("data", "/etc/a"), ("..", "a"), ("a/b", "a"), ("", "a")]
    )
    async def test_a_path_that_leaves_its_directory_is_refused(
        self, layout, cache, server, name, path
    ):
        digest = server.add_blob("a", b"content").digest
        file = InputFile(path=path, digest=digest, size=7)

        with pytest.raises(InputRefused, match="leaves"):
            await materialise(layout, order_of(file, name=name), cache)

    async def test_code_becomes_the_working_directory_and_no_input(
        self, layout, cache, server, tmp_path
    ):
        manifest, pack = (path.read_bytes() for path in snapshot(tmp_path, a="one"))
        files = (server.add_blob("manifest.json", manifest), server.add_blob("pack", pack))
        code = AttemptInput(name="code", kind="code", files=files)
        order = make_order(inputs=(code,))

        await materialise(layout, order, cache)
        (layout.work / "left").touch()  # as if the worker had been killed before it was done
        await materialise(layout, order, cache)

        assert [path.name for path in layout.work.iterdir()] == ["a"]
        assert not layout.inputs.exists()


class TestRemoveTree:
    async def test_read_only_directories_go_too(self, layout, cache, server):
        await materialise(layout, order_of(server.add_blob("deep/a", b"content")), cache)

        remove_tree(layout.directory)

        assert not layout.directory.exists()


class TestSmallCache:
    async def test_a_file_that_was_just_pushed_out_is_fetched_again(
        self, layout, cache, server, monkeypatch
    ):
        file = server.add_blob("a", b"content")
        get, calls = cache.get, []

        async def gone_at_first(project, wanted):
            path = await get(project, wanted)
            calls.append(path)
            if len(calls) == 1:
                path.unlink()
            return path

        monkeypatch.setattr(cache, "get", gone_at_first)

        await materialise(layout, order_of(file), cache)

        assert (layout.inputs / "data" / "a").read_bytes() == b"content"
