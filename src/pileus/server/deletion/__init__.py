"""Deletion of every noun, the way back, and the collection of what is left.

Start at `service.py`: the verbs. `plans.py` says what goes with a noun and when it may not go,
`fates.py` decides for each table, `collection.py` removes rows and bytes whose grace is over.
Here because it joins packages that may not know each other.
"""
