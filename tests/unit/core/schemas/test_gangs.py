"""What a member of a gang is told, and which jobs may be one."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pileus.core.schemas.gangs import MOST_MEMBERS, VARIABLES, Seat
from pileus.core.schemas.jobs import JobSpec


def test_a_seat_is_told_by_every_variable_that_torch_reads() -> None:
    told = Seat(rank=2, size=4, address="10.0.0.1", port=20001).variables

    assert told.keys() == VARIABLES
    assert (told["RANK"], told["WORLD_SIZE"]) == ("2", "4")
    assert (told["MASTER_ADDR"], told["MASTER_PORT"]) == ("10.0.0.1", "20001")
    assert (told["LOCAL_RANK"], told["LOCAL_WORLD_SIZE"]) == ("0", "1")


@pytest.mark.parametrize(
    "update, message",
    [
        ({"kind": "train", "recipe": "cnn", "dataset": "d", "command": None}, "takes no 'gang'"),
        ({"sandbox": True}, "a sandbox has no network"),
        ({"env": {"RANK": "1"}}, "'RANK' is what tells"),
        ({"secrets": [{"name": "S", "variable": "MASTER_ADDR"}]}, "'MASTER_ADDR' is what tells"),
        ({"gang": 0}, "greater than or equal to 1"),
        ({"gang": MOST_MEMBERS + 1}, "less than or equal to"),
    ],
)
def test_what_cannot_be_a_gang_says_why(update: dict[str, object], message: str) -> None:
    body = {"kind": "command", "command": ["true"], "gang": 2} | update

    with pytest.raises(ValidationError, match=message):
        JobSpec.model_validate({name: value for name, value in body.items() if value is not None})


def test_one_that_is_alone_may_name_its_variables_as_it_likes() -> None:
    assert JobSpec(kind="command", command=("true",), env={"RANK": "0"}).gang == 1
