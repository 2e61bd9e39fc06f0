"""A map by model version in which one entry is the rule for versions that it does not name."""

from __future__ import annotations

from typing import Any, TypeVar

RULE = "*"
_V = TypeVar("_V")


class ByRule(dict[str, _V]):
    """Looks a version up, then the rule; listed it is only what was given.

    >>> found = ByRule({"1": "march", "*": "first rows"})
    >>> found["1"], found["2"], found.get("3"), list(found)
    ('march', 'first rows', 'first rows', ['1', '*'])
    """

    def __missing__(self, version: str) -> _V:
        """Return the rule."""
        if version == RULE or RULE not in self:
            raise KeyError(version)
        return self[RULE]

    def get(self, version: str, default: Any = None) -> Any:
        """Return the entry of a version, or the rule, or else the default."""
        return super().get(version, super().get(RULE, default))
