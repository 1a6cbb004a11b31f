"""
Kinds of SOURCE: one file each, behind the Protocols of `source.py`.

`detect.py` lists them and chooses. Sources read and check bytes; they do not split or pack.
"""
