"""Alembic's side of upgrades: its environment, and one file per revision in `versions/`."""
