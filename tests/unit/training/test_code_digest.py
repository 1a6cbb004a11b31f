from pileus.core.code_digest import ROOT, digest_of
from pileus.training.code_digest import code_digest, sources


class TestCodeDigest:
    def test_it_covers_training_and_the_reading_of_data(self):
        names = {path.relative_to(ROOT).as_posix() for path in sources(ROOT)}

        assert {"training/trainer.py", "training/recipes/cnn/model.py", "data/load.py"} <= names
        assert "data/ingest.py" not in names
        assert code_digest() == digest_of(ROOT, sources(ROOT))
