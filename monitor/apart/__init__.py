"""What a classifier is given to tell the reference from a step of the stream: a bounded sample of the rows of each.

Plain rows in and out; who fits the classifier, and what its skill is worth, stands elsewhere.
"""
