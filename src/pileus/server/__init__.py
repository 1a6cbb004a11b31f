"""The server process: API, engine, and the only writer of the database.

Start at `wiring.py`, which names every implementation once; `api/` has one thin file per noun.
"""
