"""Drift that a backtest puts into logged records, to see whether and how soon it would be found.

A spec is words of the form ``key=value``: a ``column``, one change, and perhaps ``from``, ``to``, ``model`` and
``version``, such as ``column=distance scale=1.609 from=2013-09-01``. What is random follows from a record's id, so that
a replay gives the same rows however they are read.

| change | does |
|---|---|
| ``scale=1.609`` | multiplies numbers, as a changed unit does |
| ``offset=5`` | adds to numbers |
| ``noise=2`` | adds normal noise of this standard deviation to numbers |
| ``outliers=0.02:50`` | adds normal noise, of a standard deviation of 50, to 2 % of the records |
| ``clip=0:40`` | holds numbers between two bounds, either of which may be left out, as a full scale does |
| ``round=5`` | rounds numbers to multiples, as a coarser sensor or a lost decimal does |
| ``missing=0.2`` | takes the value away from this share of the records |
| ``constant=0`` | gives every record this value, as a stuck sensor does |
| ``relabel=UA:XX`` | renames a category |
| ``swap=other`` | exchanges two columns, as a changed order of columns does |
| ``delay=1h`` | gives every record the value that was the newest so long before it, as a stale cache does |
| ``mix=UA:0.5`` | leaves records out until a category has this share, as a change of who is served does |
| ``duplicate=0.1`` | lets this share of the records come twice, as a retrying logger does; it is of no column |

``mix`` goes by the share that the category has in the reference: the odds for it change by the same factor in every
stretch, and records that stay are as they were, with all that goes with the category.
"""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from monitor.errors import ConfigError, Fault
from monitor.instant import Instant, from_text, microseconds
from monitor.settings import parse_duration

OPTION = "--inject"
OUT_OF_RANGE, UNFIT, UNKNOWN = "E103", "E102", "E166"


class Change(StrEnum):
    """What is done to a column, or to records."""

    SCALE = "scale"
    OFFSET = "offset"
    NOISE = "noise"
    OUTLIERS = "outliers"
    CLIP = "clip"
    ROUND = "round"
    MISSING = "missing"
    CONSTANT = "constant"
    RELABEL = "relabel"
    SWAP = "swap"
    DELAY = "delay"
    MIX = "mix"
    DUPLICATE = "duplicate"


_OF_ONE_NUMBER = frozenset({Change.SCALE, Change.OFFSET, Change.NOISE, Change.ROUND})
_OF_TWO = frozenset({Change.OUTLIERS, Change.CLIP})
OF_NUMBERS = _OF_ONE_NUMBER | _OF_TWO
_OF_SHARE = frozenset({Change.MISSING, Change.DUPLICATE})
_KEYS = ("column", *Change, "from", "to", "model", "version")


@dataclass(frozen=True, slots=True)
class Injection:
    """One change in a stretch [since, until) of event time.

    ``column``: ``None`` where records are changed whole. ``model`` and ``version``: the only ones it is meant for;
    ``None`` for all.
    """

    spec: str
    column: str | None
    change: Change
    value: str
    since: Instant | None = None
    until: Instant | None = None
    model: str | None = None
    version: str | None = None

    @property
    def number(self) -> float:
        """Return the value as a number."""
        return float(self.value)

    @property
    def pair(self) -> tuple[float | None, float | None]:
        """Return the value as two numbers, either of which may be left out."""
        return _pair(self.value)

    @property
    def length(self) -> int:
        """Return the value as a length of time in microseconds."""
        return _length(self.value)

    @property
    def level(self) -> tuple[str, float]:
        """Return the value as a category and its share."""
        return _level(self.value)


def parse_injection(spec: str) -> Injection:
    """Read a spec.

    Raises
    ------
    ConfigError: it is none.

    >>> parse_injection("column=distance scale=1.609").number
    1.609
    """
    given = _words(spec)
    changes = [change for change in Change if change in given]
    if len(changes) != 1 or ("column" in given) == (changes[0] is Change.DUPLICATE):
        words = ", ".join(f"{change}=" for change in Change if change is not Change.DUPLICATE)
        raise spec_fault(spec, UNFIT, f"expected column=NAME and one of {words}; or duplicate= without a column")
    change = changes[0]
    _check_value(spec, change, given[change])
    since, until = (_instant(spec, given.get(key)) for key in ("from", "to"))
    if since is not None and until is not None and since >= until:
        raise spec_fault(spec, OUT_OF_RANGE, "from is not before to")
    model, version = given.get("model"), given.get("version")
    return Injection(spec, given.get("column"), change, given[change], since, until, model, version)


def _words(spec: str) -> dict[str, str]:
    try:
        pairs = [word.partition("=") for word in shlex.split(spec)]
    except ValueError:
        raise spec_fault(spec, UNFIT, "a quote is left open") from None
    for key, _, _ in pairs:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f'did you mean "{near[0]}"?' if near else None
            raise spec_fault(spec, UNFIT, f"unknown word; expected one of {', '.join(_KEYS)}, each with =", hint)
    return {key: value for key, _, value in pairs}


def _check_value(spec: str, change: Change, value: str) -> None:
    if not value:
        raise spec_fault(spec, UNFIT, f"{change}: no value")
    if change in _OF_ONE_NUMBER | _OF_SHARE:
        _check_number(spec, change, value)
    if change in _OF_TWO:
        _check_pair(spec, change, value)
    if change is Change.RELABEL and ":" not in value:
        raise spec_fault(spec, UNFIT, "relabel: expected OLD:NEW")
    if change is Change.DELAY:
        _check_length(spec, value)
    if change is Change.MIX:
        _check_level(spec, value)


def _check_number(spec: str, change: Change, value: str) -> None:
    try:
        number = float(value)
    except ValueError:
        raise spec_fault(spec, UNFIT, f"{change}: not a number") from None
    if change in _OF_SHARE and not 0 <= number <= 1:
        raise spec_fault(spec, OUT_OF_RANGE, f"{change}: not a share from 0 to 1")
    if not math.isfinite(number) or (change is Change.NOISE and number < 0):
        raise spec_fault(spec, OUT_OF_RANGE, f"{change}: out of range")
    if change is Change.ROUND and number <= 0:
        raise spec_fault(spec, OUT_OF_RANGE, "round: not over 0")


def _check_length(spec: str, value: str) -> None:
    try:
        length = _length(value)
    except ValueError:
        raise spec_fault(spec, UNFIT, "delay: not a duration; expected e.g. 30s, 5m, 1h") from None
    if length <= 0:
        raise spec_fault(spec, OUT_OF_RANGE, "delay: not over 0")


def _check_level(spec: str, value: str) -> None:
    try:
        _, share = _level(value)
    except ValueError:
        raise spec_fault(spec, UNFIT, "mix: expected CATEGORY:SHARE") from None
    if not 0 <= share <= 1:
        raise spec_fault(spec, OUT_OF_RANGE, "mix: not a share from 0 to 1")


def _check_pair(spec: str, change: Change, value: str) -> None:
    shape = "SHARE:SD" if change is Change.OUTLIERS else "LOW:HIGH, one of which may be left out"
    try:
        first, second = _pair(value)
    except ValueError:
        raise spec_fault(spec, UNFIT, f"{change}: expected {shape}") from None
    given = [each for each in (first, second) if each is not None]
    if len(given) < (2 if change is Change.OUTLIERS else 1):
        raise spec_fault(spec, UNFIT, f"{change}: expected {shape}")
    if not all(map(math.isfinite, given)):
        raise spec_fault(spec, OUT_OF_RANGE, f"{change}: out of range")
    if change is Change.OUTLIERS and not (0 <= given[0] <= 1 and given[1] >= 0):
        raise spec_fault(spec, OUT_OF_RANGE, "outliers: not a share from 0 to 1 and a standard deviation")
    if change is Change.CLIP and given[0] > given[-1]:
        raise spec_fault(spec, OUT_OF_RANGE, "clip: the lower bound is over the upper one")


def _pair(value: str) -> tuple[float | None, float | None]:
    first, colon, second = value.partition(":")
    if not colon:
        raise ValueError(value)
    return float(first) if first else None, float(second) if second else None


def _length(value: str) -> int:
    return microseconds(parse_duration(value))


def _level(value: str) -> tuple[str, float]:
    level, _, share = value.rpartition(":")
    return level, float(share if level else "")


def _instant(spec: str, text: str | None) -> Instant | None:
    try:
        return None if text is None else from_text(text)
    except ValueError:
        raise spec_fault(
            spec, UNFIT, "from, to: not an instant; expected e.g. 2013-09-01 or 2013-09-01T06:00Z"
        ) from None


def spec_fault(spec: str, code: str, message: str, hint: str | None = None) -> ConfigError:
    """Return what is wrong with a spec, as a fault of the option."""
    return ConfigError([Fault(code, None, None, None, OPTION, f'"{spec}": {message}', hint)])
