"""What the documentation speaks of and this version does not have: said clearly, never ignored.

A line here counts only where the settings classes refuse a key, so that a capability which comes
needs no change in this file; a test looks for lines that have had their day.
"""

from __future__ import annotations

KEYS = frozenset(
    {
        "server.tls",
        "server.auth",
        "state.database",
        "models.privacy",
    }
)
"""Keys by their path without names and indices."""

HELP = "remove it, or wait for the version that brings it"


def key_is_due(keys: tuple[str, ...]) -> bool:
    """Say whether a key, by its path without indices, is one of a later version."""
    return ".".join(keys) in KEYS
