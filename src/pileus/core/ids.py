"""Ids: a prefix that names the noun and a UUIDv7 (RFC 9562) in lower-case Crockford base 32.

`job_06b2k5v0s4e1h8m3q7t9w2x5yz`: 26 characters after the prefix; ids of one noun sort by the
millisecond in which they were made.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Protocol

from pileus.core.clock import Clock
from pileus.core.errors import InvalidRequest

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUE = {character: value for value, character in enumerate(_ALPHABET)}
_LENGTH = 26
# Two characters at a time: each prediction has an id.
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_SHIFTS = range(120, -1, -10)

RANDOM_BITS = 74
"""Bits of an id that are free: 12 in `rand_a`, 62 in `rand_b`."""

_STEP_BITS = 32


class RandomBits(Protocol):
    """What ids need of a random generator; `random.Random` has it."""

    def getrandbits(self, k: int, /) -> int: ...


class Ids:
    """Makes ids from an injected clock and source of random bits."""

    def __init__(self, clock: Clock, bits: RandomBits | None = None) -> None:
        self._clock = clock
        self._bits: RandomBits = bits or random.SystemRandom()
        self._last = 0

    def new(self, prefix: str) -> str:
        """A new id, `prefix` + `_` + 26 characters; greater than all that were made here before.

        Within one millisecond, or after the clock went back, the free bits count on from the last
        id by a random step (RFC 9562, 6.2, method 2).
        """
        value = uuid7(self._milliseconds(), self._bits.getrandbits(RANDOM_BITS))
        if value <= self._last:
            before = _halves(self._last)
            step = self._bits.getrandbits(_STEP_BITS) + 1
            bits = before[1] + step
            value = uuid7(before[0] + (bits >> RANDOM_BITS), bits & ((1 << RANDOM_BITS) - 1))
        self._last = value
        return f"{prefix}_{encode(value)}"

    def with_bits(self, prefix: str, bits: int) -> str:
        """An id whose 74 free bits are chosen by the caller, to carry an address inside the id."""
        return f"{prefix}_{encode(uuid7(self._milliseconds(), bits))}"

    def _milliseconds(self) -> int:
        return int(self._clock.now().timestamp() * 1000)


def uuid7(milliseconds: int, bits: int) -> int:
    """A UUIDv7 as an integer of 128 bits: 48 of time, 4 of version, 12, 2 of variant, 62."""
    rand_a, rand_b = (bits >> 62) & 0xFFF, bits & ((1 << 62) - 1)
    return (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b


def free_bits(identifier: str, prefix: str) -> int:
    """The 74 free bits of an id made by `with_bits`. Raises InvalidRequest for a malformed id."""
    return _halves(decode(identifier, prefix))[1]


def milliseconds_of(identifier: str, prefix: str) -> int:
    """Unix time in milliseconds at which an id was made."""
    return decode(identifier, prefix) >> 80


def _halves(value: int) -> tuple[int, int]:
    """Milliseconds and free bits of a UUIDv7."""
    return value >> 80, ((value >> 64) & 0xFFF) << 62 | value & ((1 << 62) - 1)


def encode(value: int) -> str:
    """128 bits as 26 characters, most significant first."""
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in _SHIFTS])


def decode(identifier: str, prefix: str) -> int:
    """The 128 bits of an id. Raises InvalidRequest when it is not an id with that prefix."""
    head, _, tail = identifier.partition("_")
    if head != prefix or len(tail) != _LENGTH or any(c not in _VALUE for c in tail):
        raise InvalidRequest(
            f"{identifier!r} is not an id of the form '{prefix}_' and {_LENGTH} characters",
            hint="Copy the id as a command printed it.",
        )
    value = 0
    for character in tail:
        value = value << 5 | _VALUE[character]
    return value


NewId = Callable[[str], str]
"""What most collaborators need of `Ids`: its `new`."""
