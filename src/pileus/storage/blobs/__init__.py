"""Implementations of `storage.blob.BlobStore`: a directory, and memory for tests."""
