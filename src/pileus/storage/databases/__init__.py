"""Implementations of `storage.database.Database`: memory for tests, SQLite, Postgres."""
