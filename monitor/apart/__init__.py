"""What a child is given to compare the reference with a step of the stream: a bounded sample of the rows of each.

Plain rows in and out; who fits a classifier or runs a test, and what comes of it, stands elsewhere.
"""
