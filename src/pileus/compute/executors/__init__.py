"""Implementations of `compute.executor.Executor`."""
