import asyncio
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from pileus.compute.layout import Layout
from pileus.core.schemas.jobs import AttemptInput, InputFile
from pileus.worker.environments import Environments, Kept, to_evict
from pileus.worker.errors import EnvironmentNotBuilt
from pileus.worker.settings import base_environment
from tests.unit.kills import kill_at
from tests.unit.worker.fakes import make_spec
from tests.unit.worker.wheels import make_wheel, needs_uv

A, B, C = Path("a"), Path("b"), Path("c")


class TestToEvict:
    def test_the_longest_unused_go_until_the_rest_fits(self):
        kept = [Kept(B, 4, 2.0), Kept(A, 4, 1.0), Kept(C, 4, 3.0)]

        assert to_evict(kept, frozenset(), 8, 0.0) == [A]
        assert to_evict(kept, frozenset(), 12, 0.0) == []
        assert to_evict(kept, frozenset(), 0, 0.0) == [A, B, C]

    def test_what_is_too_old_goes_though_there_is_room(self):
        assert to_evict([Kept(A, 1, 1.0), Kept(B, 1, 2.0)], frozenset(), 9, 1.5) == [A]

    def test_what_is_in_use_stays(self):
        kept = [Kept(A, 4, 1.0), Kept(B, 4, 2.0)]

        assert to_evict(kept, frozenset({A}), 4, 9.0) == [B]


class Room:
    """A worker's environments, and attempts that want some."""

    def __init__(self, root):
        self.root = root
        self.environments = Environments(
            root / "environments",
            root / "attempts",
            base_environment(tuple(os.environ)) | {"UV_OFFLINE": "1"},
            max_mib=100,
            max_age=timedelta(days=1),
            build_seconds=60.0,
        )
        self.environments.start()

    async def place(self, attempt, text, name="requirements.txt"):
        layout = Layout(self.root / "attempts" / attempt)
        make_wheel(layout.work / "wheels")
        layout.stderr.touch()
        (layout.work / name).write_text(text)
        if name == "uv.lock":
            (layout.work / "pyproject.toml").write_text(PROJECT)
        files = (InputFile(path="manifest.json", digest="a" * 64, size=1),)
        code = AttemptInput(name="code", kind="code", files=files)
        spec = make_spec(attempt, inputs=(code,), environment_file=name)
        await self.environments.place(layout, spec)
        return layout

    def built(self):
        return sorted(path.name for path in (self.root / "environments").iterdir())


@pytest.fixture
def room(tmp_path):
    return Room(tmp_path)


def printed_by(program):
    """Whether a program of the wheel prints what it should, and nothing else."""
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    return (done.stdout, done.stderr) == ("learned 1.0\n", "")


def locked(folder):
    """What uv locks PROJECT to."""
    make_wheel(folder / "wheels")
    (folder / "pyproject.toml").write_text(PROJECT)
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "lock", "--offline", "--quiet"], cwd=folder, check=True)
    return (folder / "uv.lock").read_text()


PROJECT = """\
[project]
name = "work"
version = "1.0"
requires-python = ">=3.9"
dependencies = ["tinylesson"]

[tool.uv.sources]
tinylesson = { path = "wheels/tinylesson-1.0-py3-none-any.whl" }
"""

WHEEL = "./wheels/tinylesson-1.0-py3-none-any.whl\n"


@needs_uv
class TestPlace:
    async def test_an_attempt_finds_what_it_asked_for(self, room):
        layout = await room.place("att_1", WHEEL)

        assert await asyncio.to_thread(printed_by, layout.environment / "bin" / "tinylesson")
        assert "Building environment" in layout.stderr.read_text()
        assert "tinylesson" in layout.stderr.read_text()

    async def test_a_project_says_what_it_needs(self, room):
        layout = await room.place("att_1", PROJECT, "pyproject.toml")

        assert await asyncio.to_thread(printed_by, layout.environment / "bin" / "tinylesson")

    async def test_a_lock_says_exactly_what(self, room, tmp_path):
        lock = await asyncio.to_thread(locked, tmp_path / "locking")

        layout = await room.place("att_1", lock, "uv.lock")

        assert await asyncio.to_thread(printed_by, layout.environment / "bin" / "tinylesson")

    async def test_two_attempts_build_it_once(self, room):
        layouts = await asyncio.gather(room.place("att_1", WHEEL), room.place("att_2", WHEEL))

        assert len(room.built()) == 1
        told = [layout.stderr.read_text() for layout in layouts]
        assert sorted("Building" in text for text in told) == [False, True]

    async def test_what_uv_refuses_is_told_with_its_last_words(self, room):
        with pytest.raises(EnvironmentNotBuilt, match=r"(?s)cannot be built.*no-such-lesson"):
            await room.place("att_1", "no-such-lesson==1.0\n")

        assert room.built() == []

    async def test_one_that_was_built_and_is_damaged_is_built_again(self, room):
        layout = await room.place("att_1", WHEEL)
        (layout.environment / "bin" / "python").unlink()

        again = await room.place("att_2", WHEEL)

        assert (again.environment / "bin" / "python").exists()

    async def test_stopping_the_build_leaves_nothing(self, room):
        task = asyncio.create_task(room.place("att_1", WHEEL))
        while not room.built():  # noqa: ASYNC110  uv makes it, which tells nobody
            await asyncio.sleep(0.001)
        task.cancel()

        with pytest.raises(asyncio.CancelledError):
            await task
        assert room.built() == []


@needs_uv
class TestAKill:
    def test_while_a_damaged_one_makes_room_leaves_none_that_is_half_there(self, room, tmp_path):
        layout = asyncio.run(room.place("att_1", WHEEL))
        (layout.environment / "bin" / "python").unlink()

        self.kill(room, "environment.cleared", tmp_path)

        again = asyncio.run(room.place("att_2", WHEEL))
        assert (again.environment / "bin" / "python").exists()
        assert len(room.built()) == 1

    def test_while_an_old_one_goes_leaves_nothing_of_it(self, room, tmp_path):
        layout = asyncio.run(room.place("att_1", WHEEL))
        built = layout.environment.readlink()
        layout.environment.unlink()
        os.utime(built / "pileus.json", (0, 0))

        self.kill(room, "environment.evicted", tmp_path, text=f"{WHEEL}# another\n")

        assert built.name not in room.built()
        assert len(room.built()) == 1

    def kill(self, room, point, tmp_path, text=WHEEL):
        work = lambda: asyncio.run(room.place("att_2", text))  # noqa: E731
        kill_at(point, tmp_path / "points", work)
        room.environments.start()


class TestWithoutUv:
    async def test_it_says_how_to_get_one(self, room, monkeypatch):
        monkeypatch.setattr(shutil, "which", lambda name, path: None)

        with pytest.raises(EnvironmentNotBuilt, match="has no uv") as refused:
            await room.place("att_1", WHEEL)
        assert "pileus[environments]" in refused.value.hint


class TestStart:
    def test_what_a_killed_worker_was_building_goes(self, room):
        (room.root / "environments" / ".abc.123" / "bin").mkdir(parents=True)

        room.environments.start()

        assert room.built() == []
