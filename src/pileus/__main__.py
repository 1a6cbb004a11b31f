"""The entry of `pileus` and of `python -m pileus`."""

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command of this process's arguments and exit."""
    if sys.argv[1:] == ["--version"]:
        from pileus import __version__  # needs nothing of what the command tree is made of

        sys.stdout.write(f"pileus {__version__}\n")
        sys.exit(0)
    from pileus.cli.starting import carry_little, starts_an_installation  # nor these

    carry_little()
    if starts_an_installation(sys.argv[1:]):
        from pileus.cli.handover import start_early  # only `up`

        start_early()
    from pileus.cli.main import main as run  # start-up time

    run()


if __name__ == "__main__":
    main()
