"""Backup and restore of a home: files, and the rows of its database whatever holds them."""
