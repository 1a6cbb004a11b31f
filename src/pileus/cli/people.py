"""Names of people in place of their ids, for those who read; JSON keeps the ids."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError

if TYPE_CHECKING:
    from pileus.sdk.members import Members


class People:
    """The members of the project, asked for once, when the first name is needed."""

    def __init__(self, members: Members) -> None:
        self._members = members

    def name(self, principal: str | None) -> str:
        """Name of a principal; its id when it is of another project or cannot be asked for."""
        return self._names.get(principal or "", principal or "")

    @cached_property
    def _names(self) -> dict[str, str]:
        try:
            return {member["id"]: str(member["name"]) for member in self._members.list()}
        except PileusError:  # a name is a courtesy: what was asked for is shown without it
            return {}
