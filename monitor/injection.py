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
"""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum

from monitor.errors import ConfigError, Fault
from monitor.instant import Instant, from_text

OPTION = "--inject"
OUT_OF_RANGE, UNFIT, UNKNOWN = "E103", "E102", "E166"


class Change(StrEnum):
    """What is done to a column."""

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


_OF_ONE_NUMBER = frozenset({Change.SCALE, Change.OFFSET, Change.NOISE, Change.ROUND})
_OF_TWO = frozenset({Change.OUTLIERS, Change.CLIP})
OF_NUMBERS = _OF_ONE_NUMBER | _OF_TWO
_KEYS = ("column", *Change, "from", "to", "model", "version")


@dataclass(frozen=True, slots=True)
class Injection:
    """One change of one column in a stretch [since, until) of event time.

    ``model`` and ``version``: the only ones it is meant for; ``None`` for all.
    """

    spec: str
    column: str
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
    if "column" not in given or len(changes) != 1:
        raise spec_fault(spec, UNFIT, f"expected column=NAME and one of {', '.join(f'{change}=' for change in Change)}")
    change = changes[0]
    _check_value(spec, change, given[change])
    since, until = (_instant(spec, given.get(key)) for key in ("from", "to"))
    if since is not None and until is not None and since >= until:
        raise spec_fault(spec, OUT_OF_RANGE, "from is not before to")
    model, version = given.get("model"), given.get("version")
    return Injection(spec, given["column"], change, given[change], since, until, model, version)


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
    if change in _OF_ONE_NUMBER | {Change.MISSING}:
        try:
            number = float(value)
        except ValueError:
            raise spec_fault(spec, UNFIT, f"{change}: not a number") from None
        if not math.isfinite(number) or (change is Change.NOISE and number < 0):
            raise spec_fault(spec, OUT_OF_RANGE, f"{change}: out of range")
        if change is Change.ROUND and number <= 0:
            raise spec_fault(spec, OUT_OF_RANGE, "round: not over 0")
        if change is Change.MISSING and not 0 <= number <= 1:
            raise spec_fault(spec, OUT_OF_RANGE, "missing: not a share from 0 to 1")
    if change in _OF_TWO:
        _check_pair(spec, change, value)
    if change is Change.RELABEL and ":" not in value:
        raise spec_fault(spec, UNFIT, "relabel: expected OLD:NEW")


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
