"""Real zygotes and their forks."""

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from pileus.compute.environments import Environment
from pileus.compute.files import replace_json
from pileus.compute.zygotes import Zygotes, ZygoteUnfit
from tests.unit.compute.building import is_alive, json_in, make_directory, make_launch, wait_until


@pytest.fixture
def modules(tmp_path):
    directory = tmp_path / "modules"
    directory.mkdir()
    return directory


@pytest.fixture
def make_zygotes(tmp_path, modules):
    made = []

    def make(idle_seconds=30.0, runners_outlive_us=False, **environment):
        env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(modules)}
        given = Environment(**{"modules": ("json",)} | environment)
        zygotes = Zygotes(
            {"warm": given},
            env,
            tmp_path / "zygotes.log",
            idle_seconds,
            runners_outlive_us=runners_outlive_us,
        )
        made.append(zygotes)
        return zygotes

    yield make
    for zygotes in made:
        zygotes.close()


@pytest.fixture
def fork(tmp_path, modules):
    def run(zygotes, source, name="att_1", **launch):
        (modules / f"{name}_module.py").write_text(source)
        layout = make_directory(tmp_path, name)
        entry = f"{name}_module"
        document = make_launch(layout, entry=entry, modules=modules, **launch).document()
        replace_json(layout.launch, document)
        zygotes.fork("warm", layout.directory, entry)
        return layout

    return run


def ended(layout):
    wait_until(layout.exit.exists)
    return json_in(layout.exit)


class TestFork:
    @pytest.mark.parametrize("outlives", [False, True])
    def test_its_runner_ends_without_a_trace(self, make_zygotes, fork, outlives):
        zygotes = make_zygotes(runners_outlive_us=outlives)
        waits = (
            "def main(attempt):\n    import time\n    while not (attempt.out / 'go').exists():\n"
        )
        layout = fork(zygotes, f"{waits}        time.sleep(0.01)\n")
        runner = psutil.Process(json_in(layout.runner)["pid"])
        zygote = psutil.Process(zygotes.pid("warm"))

        assert (runner.ppid() == zygote.pid) is not outlives
        (layout.out / "go").touch()
        ended(layout)

        wait_until(lambda: not zygote.children())

    def test_the_fork_is_an_attempt_like_any_other(self, make_zygotes, fork):
        zygotes = make_zygotes()

        layout = fork(
            zygotes,
            "import os\n"
            "def main(attempt):\n"
            "    print(os.getcwd(), os.getpid() == os.getpgid(0), sorted(os.environ))\n"
            "    (attempt.out / 'a').write_text('x')\n",
        )

        assert ended(layout)["code"] == 0, layout.stderr.read_text()
        words = layout.stdout.read_text()
        assert words.startswith(f"{layout.work} True")
        assert "OMP_NUM_THREADS" not in words  # the zygote's own environment stays with it
        assert json_in(layout.result)["status"] == "succeeded"

    def test_the_first_line_comes_at_once(self, make_zygotes, fork):
        pytest.importorskip("torch")
        zygotes = make_zygotes(modules=("torch",))
        source = "def main(attempt):\n    print('line')\n    import time; time.sleep(0.2)\n"
        ended(fork(zygotes, source, "att_1"))

        started = time.monotonic()
        layout = fork(zygotes, source, "att_2")
        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "line\n")

        assert time.monotonic() - started < 0.5  # an interpreter and its imports take longer

    def test_an_exception_is_in_the_log_and_in_the_result(self, make_zygotes, fork):
        layout = fork(make_zygotes(), "def main(attempt):\n    raise ValueError('no rows')\n")

        end = ended(layout)
        assert (end["code"], end["reason"]) == (1, "exited")
        assert "Traceback" in layout.stderr.read_text()
        assert json_in(layout.result)["error"]["message"] == "ValueError: no rows"

    def test_a_stop_reaches_main(self, make_zygotes, fork):
        layout = fork(
            make_zygotes(),
            "import time\n"
            "def main(attempt):\n"
            "    print('up')\n"
            "    while not attempt.stop_requested:\n"
            "        time.sleep(0.01)\n"
            "    (attempt.out / 'checkpoint').write_text('here')\n",
        )
        wait_until(lambda: layout.stdout.exists() and layout.stdout.read_text() == "up\n")

        replace_json(layout.stop, {"reason": "preempt"})

        assert ended(layout)["reason"] == "preempt"
        assert json_in(layout.result)["status"] == "preempted"

    def test_forks_draw_different_random_numbers(self, make_zygotes, fork):
        zygotes = make_zygotes(modules=("numpy",))
        source = "import numpy\ndef main(attempt):\n    print(numpy.random.random())\n"

        layouts = [fork(zygotes, source, name) for name in ("att_1", "att_2")]

        for layout in layouts:
            assert ended(layout)["code"] == 0
        assert layouts[0].stdout.read_text() != layouts[1].stdout.read_text()


class TestZygote:
    def test_it_is_one_process_for_all_forks(self, make_zygotes, fork):
        zygotes = make_zygotes()
        source = "def main(attempt): pass\n"
        ended(fork(zygotes, source, "att_1"))
        pid = zygotes.pid("warm")

        ended(fork(zygotes, source, "att_2"))

        assert zygotes.pid("warm") == pid

    def test_it_has_one_thread_and_none_of_our_secrets(self, make_zygotes, fork, monkeypatch):
        monkeypatch.setenv("PILEUS_TOKEN", "plt_secret")
        zygotes = make_zygotes(modules=("numpy",))
        ended(fork(zygotes, "def main(attempt): pass\n"))

        pid = zygotes.pid("warm")

        assert len(list(Path(f"/proc/{pid}/task").iterdir())) == 1
        assert b"plt_secret" not in Path(f"/proc/{pid}/environ").read_bytes()

    def test_one_that_has_threads_refuses_to_fork(self, make_zygotes, fork, modules):
        (modules / "threaded.py").write_text(
            "import threading, time\n"
            "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        )

        with pytest.raises(ZygoteUnfit, match="2 threads"):
            fork(make_zygotes(modules=("threaded",)), "def main(attempt): pass\n")

    def test_what_it_may_import_but_cannot_does_not_break_it(self, make_zygotes, fork):
        zygotes = make_zygotes(warm=("no_such_module_of_ours",))

        assert ended(fork(zygotes, "def main(attempt): pass\n"))["code"] == 0

    def test_it_ends_when_idle_and_the_next_use_starts_another(self, make_zygotes, fork):
        zygotes = make_zygotes(idle_seconds=0.2)
        source = "def main(attempt): pass\n"
        ended(fork(zygotes, source, "att_1"))
        first = zygotes.pid("warm")
        wait_until(lambda: not is_alive(first))

        layout = fork(zygotes, source, "att_2")

        assert ended(layout)["code"] == 0
        assert zygotes.pid("warm") != first

    def test_its_death_does_not_matter_to_what_it_forked(self, make_zygotes, fork):
        zygotes = make_zygotes()
        layout = fork(
            zygotes, "import time\ndef main(attempt):\n    time.sleep(0.5)\n    print('done')\n"
        )

        os.kill(zygotes.pid("warm"), signal.SIGKILL)

        assert ended(layout)["code"] == 0
        assert layout.stdout.read_text() == "done\n"

    def test_it_ends_when_its_worker_does(self, make_zygotes, fork):
        zygotes = make_zygotes()
        ended(fork(zygotes, "def main(attempt): pass\n"))
        warm = zygotes._warm["warm"]

        warm.socket.close()

        assert warm.process.wait(5) == 0


class TestTorch:
    def test_torch_computes_in_a_fork(self, make_zygotes, fork):
        pytest.importorskip("torch")
        zygotes = make_zygotes(modules=("numpy", "torch"))

        layout = fork(
            zygotes,
            "import torch\n"
            "def main(attempt):\n"
            "    torch.set_num_threads(2)\n"
            "    a = torch.ones(200, 200, requires_grad=True)\n"
            "    (a @ a).sum().backward()\n"
            "    attempt.finish({'grad': float(a.grad.sum())})\n",
        )

        assert ended(layout)["code"] == 0, layout.stderr.read_text()
        assert json.loads(layout.result.read_text())["summary"]["grad"] == 200 * 200 * 400
