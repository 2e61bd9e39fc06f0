"""A file that cannot be read as its format at all."""

from __future__ import annotations


class Unreadable(Exception):
    """Why; holds nothing of the file's content."""
