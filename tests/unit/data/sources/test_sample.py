import importlib.util
import subprocess
import sys

import pytest

from pileus.data.errors import SampleUnknown
from pileus.data.sources.sample import NAMES, TABLES, Digits, LabelledTable, _folder, open_sample
from tests.unit.data.build import ingested

needs_samples = pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="the samples are not installed"
)


@needs_samples
class TestSamples:
    @pytest.mark.parametrize(
        "name, rows, classes",
        [
            ("digits", 1797, tuple("0123456789")),
            ("breast-cancer", 569, ("benign", "malignant")),
            ("wine", 178, ("class_0", "class_1", "class_2")),
            ("iris", 150, ("setosa", "versicolor", "virginica")),
            ("diabetes", 442, None),
        ],
    )
    def test_every_row_is_read(self, tmp_path, name, rows, classes):
        manifest = ingested(f"sample:{name}", tmp_path).manifest

        assert manifest.rows.train + manifest.rows.untouched == rows
        assert manifest.classes == classes
        assert manifest.source == f"sample:{name}"

    def test_the_label_of_a_sample_is_no_news(self, tmp_path):
        assert ingested("sample:wine", tmp_path).notices == ()

    def test_the_first_digit_is_a_zero(self):
        image = next(Digits(_folder() / "digits.csv.gz").images())

        assert image.label == "0"
        assert image.data.startswith(b"P5\n8 8\n255\n\x00\x00\x50\xcf")

    def test_the_first_tumour_is_malignant(self):
        rows = LabelledTable("breast-cancer", TABLES["breast-cancer"], _folder()).rows()

        assert next(rows).cells[:2] == ["mean radius", "mean texture"]
        assert next(rows).cells[-1] == "malignant"

    def test_scikit_learn_is_not_imported(self):
        code = (
            "import sys; from pileus.data.sources.sample import open_sample; "
            "list(open_sample('sample:iris').rows()); print('sklearn' in sys.modules)"
        )

        out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)

        assert out.stdout.strip() == b"False"


class TestOpenSample:
    def test_an_unknown_name_is_refused_with_those_that_are(self):
        with pytest.raises(SampleUnknown, match="'mnist'") as refusal:
            open_sample("sample:mnist")

        assert all(name in str(refusal.value.hint) for name in NAMES)

    def test_missing_samples_say_how_to_install_them(self, monkeypatch):
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)

        with pytest.raises(SampleUnknown, match="not installed") as refusal:
            open_sample("sample:iris")

        assert "pip install 'pileus[samples]'" in str(refusal.value.hint)
