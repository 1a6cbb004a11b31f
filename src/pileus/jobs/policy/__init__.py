"""The scheduler's policy, in parts that are pure: values in, values out, no clock and no database.

`devices.py` what devices are asked for · `demand.py` what is to be expected ·
`waste.py` what of a node's GPUs nobody will come for · `free.py` what a node has left ·
`spaces.py` the same kept from one decision to the next, and where what fits ·
`placement.py` where a job goes · `quota.py` what a project may hold · `clearing.py` who makes room ·
`prediction.py` how long jobs alike took · `ending.py` when what runs ends · `reservation.py` who may pass
one that waits.
"""
