"""Options that name and give a value."""

import typer


def pair(text: str, option: str) -> tuple[str, str]:
    """`NAME=VALUE` as its two parts. Raises BadParameter, which names the option."""
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
    return name, value
