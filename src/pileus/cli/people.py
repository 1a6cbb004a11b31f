"""Names of people in place of their ids, for those who read; JSON keeps the ids."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from pileus.core.errors import PileusError

if TYPE_CHECKING:
    from pileus.sdk.deleted import Deleted
    from pileus.sdk.members import Members


class People:
    """The members of the project, asked for once, when the first name is needed."""

    def __init__(self, members: Members, deleted: Deleted) -> None:
        self._members = members
        self._deleted = deleted

    def name(self, principal: str | None) -> str:
        """Name of a principal; its id when it is of another project or cannot be asked for."""
        if not principal:
            return ""
        known = self._names.get(principal)
        if known is None and principal.startswith("prn_"):
            known = self._gone.get(principal)
        return known or principal

    @cached_property
    def _gone(self) -> dict[str, str]:
        """Those who were deleted; asked for when somebody is not among the members."""
        try:
            return {
                one["subject"]: str(one["name"]) for one in self._deleted.list(noun="principal")
            }
        except PileusError:
            return {}

    @cached_property
    def _names(self) -> dict[str, str]:
        try:
            return {member["id"]: str(member["name"]) for member in self._members.list()}
        except PileusError:  # a name is a courtesy: what was asked for is shown without it
            return {}
