"""Driftline: a monitor for models in production.

Importing this package loads nothing heavy: the parts are imported where they are used.
"""

__version__ = "0.1.0"
