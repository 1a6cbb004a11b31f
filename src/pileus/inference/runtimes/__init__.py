"""Implementations of `Runtime`, chosen in a process's wiring."""
