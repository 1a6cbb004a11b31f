"""
`pileus doctor`: looks at an installation, up or down, and changes nothing.

A check is a function from a `Scene` to findings, in a file of its own, named in `checks.py`. Each
finding says what was found and, unless all is well, the next step.
"""
