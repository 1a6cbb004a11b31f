"""The entry of `pileus` and of `python -m pileus`."""

import gc
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command of this process's arguments and exit."""
    if sys.argv[1:] == ["--version"]:
        from pileus import __version__  # needs nothing of what the command tree is made of

        sys.stdout.write(f"pileus {__version__}\n")
        sys.exit(0)
    # Imports make much and drop little: to look for garbage so often is a sixth of their time.
    gc.set_threshold(20_000)
    from pileus.cli.main import main as run  # start-up time

    run()


if __name__ == "__main__":
    main()
