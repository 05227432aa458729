"""What stands in the way of the next run, and what to do about it. Looks only: nothing here writes.

`gather` reads the machine and the data directory; `machine` and `data` judge what was read, without clock or disk.
"""
