"""
Data: reads what a person has, checks every byte of it, and makes an immutable version of it.

`ingest.py` runs on the client (`prepare`), `publish.py` hands the result to the server, `load.py`
reads a version inside an attempt. `images.py` is shared with the gateway, so this file imports
nothing.
"""
