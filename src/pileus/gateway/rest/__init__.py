"""
The Open Inference Protocol v2 over HTTP: what is on the wire, and who may ask for which path.

Knows no web server: `lane.py` brings requests and takes answers. Start at `table.py`.
"""
