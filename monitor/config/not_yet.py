"""What the documentation speaks of and this version does not have: said clearly, never ignored.

A line here counts only where the settings classes refuse a key or a value, so that a capability which comes
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

VALUES = {
    "receivers.type": frozenset({"email"}),
}
"""Values of a key, by its path without names and indices."""

HELP = "remove it, or wait for the version that brings it"


def key_is_due(keys: tuple[str, ...]) -> bool:
    """Say whether a key, by its path without indices, is one of a later version."""
    return ".".join(keys) in KEYS


def value_is_due(keys: tuple[str, ...], value: object) -> bool:
    """Say whether a value of a key, by the key's path without indices, is one of a later version."""
    return value in VALUES.get(".".join(keys), ())
