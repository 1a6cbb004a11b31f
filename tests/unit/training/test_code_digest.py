from pathlib import Path

import pileus
from pileus.training.code_digest import code_digest, digest_of, sources


class TestCodeDigest:
    def test_it_covers_training_and_the_reading_of_data(self):
        root = Path(pileus.__file__).parent

        names = {path.relative_to(root).as_posix() for path in sources(root)}

        assert {"training/trainer.py", "training/recipes/cnn/model.py", "data/load.py"} <= names
        assert "data/ingest.py" not in names
        assert code_digest() == digest_of(root, sources(root))

    def test_it_changes_with_a_name_or_a_text_and_not_with_line_endings(self, tmp_path):
        first, second = tmp_path / "a.py", tmp_path / "b.py"
        first.write_bytes(b"x = 1\n")
        second.write_bytes(b"x = 1\n")
        before = digest_of(tmp_path, [first])

        assert digest_of(tmp_path, [second]) != before
        first.write_bytes(b"x = 1\r\n")
        assert digest_of(tmp_path, [first]) == before
        first.write_bytes(b"x = 2\n")
        assert digest_of(tmp_path, [first]) != before
