"""The command line: the folder tree is the command tree.

Talks to the server through `pileus.sdk`; only `commands/{up,server,gateway,worker}.py` start
processes. Start at `main.py`.
"""
