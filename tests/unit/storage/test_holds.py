import os
import time

from pileus.storage.holds import EXPIRES_SECONDS, Hold, is_held


class TestHold:
    def test_holds_as_long_as_its_context(self, tmp_path):
        directory = tmp_path / "holds"
        assert not is_held(directory)

        with Hold(directory, "backup"):
            assert is_held(directory)

        assert not is_held(directory)

    def test_one_of_two_is_enough(self, tmp_path):
        with Hold(tmp_path, "backup"):
            with Hold(tmp_path, "backup"):
                pass

            assert is_held(tmp_path)

    def test_one_that_a_killed_process_left_is_over_by_itself(self, tmp_path):
        hold = Hold(tmp_path, "backup").__enter__()

        assert is_held(tmp_path, time.time() + EXPIRES_SECONDS - 1)
        assert not is_held(tmp_path, time.time() + EXPIRES_SECONDS + 1)
        hold.__exit__(None, None, None)

    def test_renewing_makes_it_last(self, tmp_path):
        with Hold(tmp_path, "backup") as hold:
            (path,) = tmp_path.iterdir()
            os.utime(path, (0, 0))
            assert not is_held(tmp_path)

            hold._renewed_at = 0.0
            hold.renew()

            assert is_held(tmp_path)
