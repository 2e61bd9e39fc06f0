"""What no single column shows: *joint scores* of a record, from several of its columns at once.

Every transform here is frozen on the reference and works in whole numbers, so that a record gets the same score, bit
for bit, alone or among others and whatever adds up first. The scores are binned and judged like columns of the log:
the false-alarm promise covers them because it covers every column.
"""
