"""
What holds an attempt to what it asked for, one file per means. Standard library only: runners
import this.

A control group where the system lets us have one, else what a runner can watch and end itself.
"""
