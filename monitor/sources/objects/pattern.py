"""Which keys a path means: a prefix, or a pattern in which ``*`` stays within a folder and ``**`` does not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

_WILD = re.compile(r"[*?\[]")
_ANY = "**"


@dataclass(frozen=True)
class Pattern:
    """A path in a bucket.

    >>> Pattern("b/logs/*/x-*.jsonl").base
    'b/logs'
    >>> [Pattern("b/logs/").matches(key) for key in ("b/logs/1/x.csv", "b/logs/_SUCCESS", "b/log")]
    [True, False, False]
    >>> [Pattern("b/**/*.csv").matches(key) for key in ("b/x.csv", "b/1/2/x.csv", "b/1/.x.csv")]
    [True, True, False]
    """

    path: str

    @cached_property
    def parts(self) -> tuple[str, ...]:
        """Return the parts between slashes; a path without a wildcard is one object, or a prefix: then all below it."""
        parts = tuple(part for part in self.path.split("/") if part)
        is_object = "." in parts[-1] and not self.path.endswith("/")
        return parts if is_object or any(map(_WILD.search, parts)) else (*parts, _ANY)

    @cached_property
    def base(self) -> str:
        """Return the deepest folder that all keys lie in."""
        fixed: list[str] = []
        for part in self.parts[:-1]:
            if _WILD.search(part):
                break
            fixed.append(part)
        return "/".join(fixed)

    @cached_property
    def _expressions(self) -> tuple[re.Pattern[str] | None, ...]:
        return tuple(None if part == _ANY else re.compile(translate(part)) for part in self.parts)

    @cached_property
    def begin(self) -> frozenset[int]:
        """Return the parts that what lies in ``base`` is to be compared with."""
        return self._with_nothing({self.base.count("/") + 1 if self.base else 0})

    def _with_nothing(self, places: set[int]) -> frozenset[int]:
        """Add the parts after a ``**``, which may stand for no folder."""
        more = {place + 1 for place in places if place < len(self.parts) and self.parts[place] == _ANY}
        return frozenset(places) if more <= places else self._with_nothing(places | more)

    def below(self, places: frozenset[int], name: str) -> frozenset[int]:
        """Return the parts that what lies in a folder of this name is compared with; none: it is not looked in."""
        if name.startswith((".", "_")):
            return frozenset()
        found: set[int] = set()
        for place in places:
            if place < len(self.parts):
                expression = self._expressions[place]
                if expression is None:
                    found.add(place)
                elif expression.fullmatch(name):
                    found.add(place + 1)
        return self._with_nothing(found)

    def is_meant(self, places: frozenset[int], name: str) -> bool:
        """Say whether an object of this name is."""
        after = self.below(places, name)
        return len(self.parts) in after

    def matches(self, key: str) -> bool:
        """Say whether a key is meant."""
        within = f"{self.base}/" if self.base else ""
        inner = key.lstrip("/").removeprefix(within) if key.lstrip("/").startswith(within) else ""
        *folders, name = inner.split("/")
        places = self.begin
        for folder in folders:
            places = self.below(places, folder)
        return bool(name) and self.is_meant(places, name)
