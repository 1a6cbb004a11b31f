import pickle

import pytest
import torch

from pileus.training.checkpoint import FILE_NAME, Checkpoints


class Runs:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return print, ("code ran",)


@pytest.fixture
def checkpoints(tmp_path):
    return Checkpoints(tmp_path, tmp_path, "digits")


class TestCheckpoints:
    def test_what_was_saved_is_loaded(self, checkpoints):
        weights, standing = torch.arange(3.0), {"epoch": 2, "best": float("inf")}

        checkpoints.save({"weights": weights, "standing": standing})
        loaded, refusal = checkpoints.load()

        assert refusal is None
        assert torch.equal(loaded["weights"], weights)
        assert loaded["standing"] == standing

    def test_nothing_there_is_a_fresh_start(self, checkpoints):
        assert checkpoints.load() == (None, None)

    def test_one_of_another_training_is_refused(self, checkpoints, tmp_path):
        Checkpoints(tmp_path, tmp_path, "letters").save({})

        assert checkpoints.load() == (None, "the checkpoint is of other code, data or parameters")

    @pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 half of an archive", b"\x80\x04."])
    def test_a_damaged_one_is_refused(self, checkpoints, tmp_path, damage):
        (tmp_path / FILE_NAME).write_bytes(damage)

        state, refusal = checkpoints.load()

        assert state is None
        assert "cannot be read" in refusal

    def test_one_that_would_run_code_is_refused(self, checkpoints, tmp_path, capsys):
        torch.save({"schema": 1, "fingerprint": "digits", "state": Runs()}, tmp_path / FILE_NAME)

        state, refusal = checkpoints.load()

        assert state is None
        assert refusal == f"the checkpoint cannot be read: {pickle.UnpicklingError.__name__}"
        assert capsys.readouterr().out == ""

    def test_a_save_that_dies_leaves_the_one_before(self, checkpoints, tmp_path, monkeypatch):
        checkpoints.save({"epoch": 1})

        def die(document, stream):
            stream.write(b"half")
            raise OSError("disk full")

        monkeypatch.setattr(torch, "save", die)
        with pytest.raises(OSError, match="disk full"):
            checkpoints.save({"epoch": 2})

        assert checkpoints.load() == ({"epoch": 1}, None)
