"""`python -m pileus` is `pileus`."""

from pileus.cli.main import main

if __name__ == "__main__":
    main()
