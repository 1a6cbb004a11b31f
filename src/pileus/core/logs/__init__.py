"""
What the processes of an installation log: one JSON object a line, in files of a bounded size.

A process calls `setup.start` once; code logs with the standard library and says with
`context.about` what its lines are about.
"""
