"""What attempts report: log streams, metrics, artifacts.

Bytes live in files while an attempt runs and in blobs after; rows hold sizes and summaries.
"""
