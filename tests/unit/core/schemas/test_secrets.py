"""How a job names secrets."""

import pytest
from pydantic import ValidationError

from pileus.core.schemas.jobs import JobSpec
from pileus.core.schemas.secrets import (
    InvalidSecretName,
    Secret,
    SecretShown,
    SecretValues,
    check_secret_name,
)


def spec(*secrets, **fields):
    return JobSpec(kind="command", command=("true",), secrets=secrets, **fields)


class TestJobSecret:
    def test_a_name_alone_is_a_variable_of_that_name(self):
        (secret,) = spec("HF_TOKEN").secrets

        assert (secret.name, secret.variable, secret.file) == ("HF_TOKEN", "HF_TOKEN", None)

    def test_a_table_says_where_it_goes(self):
        one, other = spec({"name": "A", "variable": "B"}, {"name": "A", "file": "a.pem"}).secrets

        assert (one.variable, one.file) == ("B", None)
        assert (other.variable, other.file) == (None, "a.pem")

    def test_a_spec_that_was_kept_is_read_as_it_was(self):
        given = spec("A", {"name": "A", "file": "a.pem"})

        assert JobSpec.model_validate(given.model_dump(mode="json", exclude_unset=True)) == given

    @pytest.mark.parametrize(
        "secret, words",
        [
            ({"name": "A", "variable": "B", "file": "c"}, "not both"),
            ({"name": "A", "variable": "B C"}, "'B C' is no name of an environment variable"),
            ({"name": "A", "variable": "PILEUS_ATTEMPT_DIR"}, "is not a job's to set"),
            ("PATH", "'PATH' is not a job's to set"),
            ({"name": "A", "file": "../a"}, "no plain name of a file"),
            ({"name": "A", "file": ".values.json"}, "no plain name of a file"),
            ({"name": "A", "value": "x"}, "value"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, secret, words):
        with pytest.raises(ValidationError, match=words):
            spec(secret)

    @pytest.mark.parametrize(
        "secrets, env, twice",
        [
            (("A", {"name": "B", "variable": "A"}), {}, "variable 'A'"),
            (("A",), {"A": "1"}, "variable 'A'"),
            (({"name": "A", "file": "f"}, {"name": "B", "file": "f"}), {}, "file 'f'"),
        ],
    )
    def test_two_things_do_not_go_into_one_place(self, secrets, env, twice):
        with pytest.raises(ValidationError, match=f"{twice} is given twice"):
            spec(*secrets, env=env)

    def test_there_is_an_end_to_them(self):
        with pytest.raises(ValidationError, match="at most 100"):
            spec(*(f"A{number}" for number in range(101)))


class TestCheckSecretName:
    @pytest.mark.parametrize("name", ["", "1A", "A-B", "A B", "Ä", "A" * 129, "A\n"])
    def test_names_are_those_of_variables(self, name):
        with pytest.raises(InvalidSecretName, match="not a valid name"):
            check_secret_name(name)


class TestSecretShown:
    def test_it_has_nothing_of_the_value(self):
        assert not {"sealed", "key"} & SecretShown.model_fields.keys()
        assert "sealed" not in {f for f, info in Secret.model_fields.items() if info.repr}


class TestSecretValues:
    def test_what_does_not_fit_is_not_quoted(self):
        with pytest.raises(ValidationError) as refused:
            SecretValues.model_validate({"secrets": [{"base64": "aHVudGVyMg=="}]})

        assert "aHVudGVyMg" not in str(refused.value)
