"""The one grammar of names that people choose: projects, datasets, models, endpoints, principals."""

import re
import unicodedata

from pileus.core.errors import InvalidRequest

MAX_LENGTH = 63
_NAME = re.compile(r"^[^\W_](?:[\w.-]*[^\W_])?$")


class InvalidName(InvalidRequest, code="invalid_name"):
    """A name that does not follow the grammar."""


def check_name(name: str, noun: str = "name") -> str:
    """`name` in NFC. Raises InvalidName.

    One to 63 characters; letters and digits of any script, `.`, `_`, `-` inside; lower case.
    """
    normal = unicodedata.normalize("NFC", name)
    if len(normal) > MAX_LENGTH or not _NAME.match(normal) or normal != normal.lower():
        raise InvalidName(
            f"{noun.capitalize()} {name!r} is not a valid name",
            hint=f"Use 1 to {MAX_LENGTH} lower-case letters or digits; '.', '_' and '-' inside.",
        )
    return normal
