"""The scheduler's policy, in parts that are pure: values in, values out, no clock and no database.

`devices.py` what devices are asked for · `demand.py` what is to be expected ·
`waste.py` what of a node's GPUs nobody will come for · `free.py` what a node has left ·
`placement.py` where a job goes.
"""
