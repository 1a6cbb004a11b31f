"""Functions that a job may call, and some that none can."""

import functools


class Teacher:
    def teach(self):
        """Of an object."""

    @staticmethod
    def rate(count):
        return count / 2


def learn(rate, epochs=1):
    return {"rate": rate, "epochs": epochs}


@functools.partial
def partial():
    """Has no name of its own."""


def made():
    def inner():
        """Exists while `made` runs."""

    return inner


unnamed = lambda: None  # noqa: E731  what is refused
hidden = learn


def _replaced():
    """Its module has another thing by that name."""


replaced = _replaced
del _replaced
