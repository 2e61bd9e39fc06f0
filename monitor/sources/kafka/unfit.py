"""What is said of a value that is not what its schema says."""


class ValueUnfit(ValueError):
    """A value is not what its schema says; the text says why, and nothing of the value."""
