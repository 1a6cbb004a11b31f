from __future__ import annotations

import pytest

from pileus.sdk.pipeline_files import PipelineFileRefused, read_pipeline

FILE = """\
name = "nightly"

[params]
epochs = 3
word = "hello"

[jobs.say]
kind = "command"
command = ["echo", "${word} world"]

[jobs.train]
kind = "train"
recipe = "cnn"
dataset = "digits"
needs = ["say"]
config = { epochs = "${epochs}" }
"""


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "nightly.toml"
        path.write_text(text)
        return path

    return write


class TestReadPipeline:
    def test_parameters_fill_texts_and_keep_their_type(self, file):
        found = read_pipeline(file(FILE), {"epochs": "5"})

        assert found.jobs["say"].command == ("echo", "hello world")
        assert found.jobs["train"].config == {"epochs": 5}
        assert found.jobs["train"].needs == ("say",)

    @pytest.mark.parametrize(
        "text, said",
        [
            (FILE + '[jobs.say]\nkind = "command"\n', "line 17"),
            (FILE.replace('"say"]', '"sya"]'), "job 'train' needs 'sya'"),
            (FILE.replace('recipe = "cnn"\n', ""), r"nightly.toml:11: job 'train': .*'recipe'"),
            (FILE.replace("recipe =", "recpie ="), r"nightly.toml:11: job 'train': "),
            (FILE.replace("${word}", "${wrd}"), r"\$\{wrd\} is no parameter"),
            ("name = ", "nightly.toml"),
            ('name = "x"\nparams = 3\n[jobs]\n', "'params' is not a table"),
            ('name = "x"\n', "jobs"),
        ],
    )
    def test_what_is_wrong_is_named_with_its_place(self, file, text, said):
        with pytest.raises(PipelineFileRefused, match=said):
            read_pipeline(file(text))

    @pytest.mark.parametrize("params", [{"epoch": "3"}, {"epochs": "many"}])
    def test_a_parameter_that_does_not_fit_is_refused(self, file, params):
        with pytest.raises(PipelineFileRefused, match=next(iter(params))):
            read_pipeline(file(FILE), params)

    def test_a_file_that_is_not_there_is_said(self, tmp_path):
        with pytest.raises(PipelineFileRefused, match="cannot be read"):
            read_pipeline(tmp_path / "gone.toml")
