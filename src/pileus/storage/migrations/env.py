"""Runs revisions on the connection, inside the transaction, that `storage/migrate.py` opened."""

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    # SQLite changes a table by making it anew.
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
