"""Predictions by reference: the gateway fetches what its settings list, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from pileus.core.errors import NotAllowed, NotFound
from tests.e2e.conftest import Digits
from tests.e2e.installation import Installation, exit_code, until, value_of
from tests.e2e.shelf import Shelf


def outputs(installation: Installation, source: str) -> list[dict[str, Any]]:
    answer: dict[str, Any] = installation.cli("predict", "digits", source)
    found: list[dict[str, Any]] = answer["outputs"]
    return found


class TestAllowed:
    def test_an_object_on_the_web_is_answered_as_its_bytes_are(
        self, calm: Installation, digits: Digits, shelf: Shelf
    ) -> None:
        address = shelf.put("public/seven 7.png", digits.image.read_bytes())

        answer = calm.cli("predict", "digits", address.replace(" ", "%20"))

        assert answer["outputs"] == outputs(calm, str(digits.image))
        identifier = answer["parameters"]["prediction_id"]

        def recorded() -> Any:
            with calm.client() as client:
                try:
                    return client.predictions.get(identifier)
                except NotFound:
                    return None  # its segment is on the way

        record = until(recorded, seconds=10)
        assert record["outcome"] == "ok"
        assert record["bytes_in"] > digits.image.stat().st_size, "the object counts as received"

    def test_an_object_in_a_bucket_is_answered_as_its_bytes_are(
        self, calm: Installation, digits: Digits, shelf: Shelf
    ) -> None:
        with shelf.bucket() as put:
            address = put("incoming/7.png", digits.image.read_bytes())

            assert outputs(calm, address) == outputs(calm, str(digits.image))


class TestRefused:
    @pytest.mark.parametrize("name", ["private/7.png", "public2/7.png"])
    def test_an_object_outside_the_list(
        self, calm: Installation, digits: Digits, shelf: Shelf, name: str
    ) -> None:
        address = shelf.put(name, digits.image.read_bytes())

        done = calm.run("--json", "predict", "digits", address)

        assert done.returncode == exit_code(NotAllowed)
        error = value_of(done)["error"]
        assert error["code"] == "object_not_allowed"
        assert address in error["message"]
        assert "allowed_objects" in error["hint"]
