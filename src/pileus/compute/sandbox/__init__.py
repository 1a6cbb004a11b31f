"""Runs the command of an attempt where it sees the system, its own directory, and nothing else."""
