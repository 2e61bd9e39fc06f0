"""How numbers, instants and verdicts look on a page. Pure; what is unknown shows as a dash, never as 0."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import quote

from monitor.calibration.cures import cure
from monitor.diagnosis.words import beside_verdict
from monitor.instant import SECOND, from_text
from monitor.versions import comparison_words

UNKNOWN = "—"
FIRES_AT = 80.0  # where a bar of evidence has its threshold, of 100: what lies beyond must be seen too
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_BYTES = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))
_THIN_SPACE = "\u202f"
_DIGITS = 3
_BIG = 1_000
_PLAIN_UP_TO, _PLAIN_FROM = 1e6, 1e-3
_FULL = 99.95  # rounds to 100 %


class Mark(NamedTuple):
    """How a state looks: a colour's name, and a sign and a word for those who do not see it."""

    tone: str
    sign: str
    word: str


MARKS: dict[str, Mark] = {
    "stable": Mark("good", "✓", "stable"),
    "drifted": Mark("bad", "▲", "drifted"),
    "insufficient_data": Mark("quiet", "○", "too little data"),
    "failed": Mark("broken", "✕", "failed"),
    "firing": Mark("bad", "▲", "firing"),
    "pending": Mark("warn", "◔", "pending"),
    "resolved": Mark("good", "✓", "resolved"),
    "inactive": Mark("quiet", "○", "inactive"),
    "delivered": Mark("good", "✓", "delivered"),
    "dead": Mark("bad", "✕", "given up"),
    "requested": Mark("info", "→", "requested"),
    "started": Mark("info", "→", "started"),
    "awaiting_approval": Mark("warn", "◔", "awaits approval"),
    "withheld": Mark("quiet", "○", "withheld"),
    "succeeded": Mark("good", "✓", "succeeded"),
    "healthy": Mark("good", "✓", "healthy"),
    "unhealthy": Mark("bad", "✕", "not healthy"),
    "calibrated": Mark("good", "✓", "calibrated"),
    "uncalibrated": Mark("warn", "!", "not calibrated"),
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One window in a strip: where it stands, and how it looks, in a box of 100 by 100."""

    x: float
    width: float
    y: float
    height: float
    mark: Mark
    id: str
    title: str


@dataclass(frozen=True, slots=True)
class Headline:
    """The state of everything in one sentence."""

    tone: str
    text: str


def mark(state: str | None) -> Mark:
    """Return how a state looks; one that is not known here is shown as it is called."""
    return MARKS.get(state or "", Mark("quiet", "○", words(state)))


def words(name: str | None) -> str:
    """Write a snake_case reason as words.

    >>> words("evidence_over_threshold")
    'evidence over threshold'
    """
    return name.replace("_", " ") if name else UNKNOWN


def instant(text: str | None) -> str:
    """Write an instant for people, in UTC; seconds only when they are not zero.

    >>> instant("2013-07-01T10:05:00Z"), instant("2013-07-01T10:05:09.5Z"), instant(None)
    ('2013-07-01 10:05', '2013-07-01 10:05:09', '—')
    """
    if not text:
        return UNKNOWN
    date, _, time = text.removesuffix("Z").partition("T")
    return f"{date} {time[:8].removesuffix(':00') if len(time) > len('10:05') else time}".strip()


def span(seconds: float | None) -> str:
    """Write a length of time in its two largest units.

    >>> span(3.1), span(4_000), span(90_000), span(0.004), span(None)
    ('3.1 s', '1 h 6 min', '1 d 1 h', '0.004 s', '—')
    """
    if seconds is None:
        return UNKNOWN
    if seconds < _SPANS[2][0]:
        return f"{number(seconds)} s"
    left = int(seconds)
    parts = []
    for size, unit in _SPANS:
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
    return " ".join(parts[:2])


def age(text: str | None, now: str | None) -> str:
    """Write how long before ``now`` an instant was."""
    if not text or not now:
        return UNKNOWN
    return span(max(0.0, (from_text(now) - from_text(text)) / SECOND))


def number(value: float | None) -> str:
    r"""Write a number with three digits that count, and whole ones in groups of three.

    >>> number(812.4), number(0.000012345), number(41_200), number(float("nan")), number(True)
    ('812', '1.23e-05', '41\u202f200', '—', '—')
    """
    if value is None or isinstance(value, bool) or not math.isfinite(value):
        return UNKNOWN
    if value == 0:
        return "0"
    if isinstance(value, int) or abs(value) >= _BIG:
        grouped = f"{value:,.0f}" if abs(value) < _PLAIN_UP_TO * _BIG else f"{value:.{_DIGITS - 1}e}"
        return grouped.replace(",", _THIN_SPACE)
    return f"{value:.{_DIGITS}g}"


def percent(ratio: float | None) -> str:
    """Write a share of 1.

    >>> percent(0.2), percent(0.004), percent(1.0), percent(None)
    ('20 %', '0.4 %', '100 %', '—')
    """
    if ratio is None or not math.isfinite(ratio):
        return UNKNOWN
    per_hundred = ratio * 100
    if per_hundred == 0 or per_hundred >= _FULL:
        return f"{per_hundred:.0f} %"
    return f"{per_hundred:.2g} %"


def bytes_text(count: float | None) -> str:
    """Write a size.

    >>> bytes_text(48_000_000), bytes_text(512)
    ('48 MB', '512 B')
    """
    if count is None:
        return UNKNOWN
    size, unit = next(((size, unit) for size, unit in _BYTES if count >= size), _BYTES[-1])
    return f"{number(round(count / size, 1) if size > 1 else count)} {unit}"


def evidence_place(evidence: float | None, threshold: float | None) -> float | None:
    """Return where evidence lies on a bar of 100: on a log scale, the threshold at 80, its square root at 40.

    >>> evidence_place(720.0, 720.0), evidence_place(1.0, 720.0), evidence_place(None, 720.0)
    (80.0, 0.0, None)
    """
    if evidence is None or threshold is None or threshold <= 1 or math.isnan(evidence):
        return None
    if evidence <= 1:
        return 0.0
    return min(100.0, FIRES_AT * math.log(evidence) / math.log(threshold))


def ratio_place(value: float | None, threshold: float | None) -> float | None:
    """Return where a distance lies on a bar of 100 that has its threshold in the middle and no end.

    >>> ratio_place(0.08, 0.08), ratio_place(0.24, 0.08), ratio_place(None, 0.08)
    (50.0, 75.0, None)
    """
    if value is None or threshold is None or threshold <= 0 or value < 0:
        return None
    return 100.0 * value / (value + threshold)


def strip(windows: Sequence[Mapping[str, Any]], slots: int = 48) -> list[Bar]:
    """Return the last windows as bars, oldest first, at the right end of a box of 100 by 100."""
    last = list(reversed(windows[:slots]))
    width = 100.0 / slots
    first = slots - len(last)
    return [_bar(window, (first + place) * width, width) for place, window in enumerate(last)]


def _bar(window: Mapping[str, Any], x: float, width: float) -> Bar:
    place = evidence_place(window.get("evidence"), window.get("evidence_threshold"))
    height = 12.0 if place is None else max(12.0, place)
    shown = mark(window.get("verdict"))
    title = f"{instant(window.get('end'))}: {shown.word}, {number(window.get('rows'))} rows"
    return Bar(
        round(x, 3), round(width * 0.78, 3), round(100 - height, 2), round(height, 2), shown, window["id"], title
    )


def headline(status: Mapping[str, Any]) -> Headline:
    """Say the state of everything in one sentence, the gravest first."""
    states = [alert.get("state") for alert in status["alerts"]]
    firing, pending = states.count("firing"), states.count("pending")
    sick = sum(not each["healthy"] for each in _watched(status))
    last = [version.get("last_window") for model in status["models"] for version in model["versions"]]
    unsure = sum(not window or window["verdict"] != "stable" for window in last)
    mute = any(each["everything"] and each["state"] == "active" for each in status.get("silences", ()))
    graver = (
        (mute, "bad", f"A silence withholds every message; {_count(firing, 'alert')} firing"),
        (firing, "bad", f"{_count(firing, 'alert')} firing"),
        (not status["state"]["writable"], "bad", "The state cannot be written"),
        (sick, "warn", f"{_count(sick, 'source or receiver', 'sources and receivers')} not healthy"),
        (pending, "warn", f"{_count(pending, 'alert')} pending"),
        (not any(last), "quiet", "Waiting for the first window"),
        (unsure, "quiet", f"Nothing is firing; {unsure} of {len(last)} not judged stable"),
        (True, "good", "Everything is stable"),
    )
    return next(Headline(tone, text) for holds, tone, text in graver if holds)


def _watched(status: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return every source and receiver."""
    return [*(source for model in status["models"] for source in model["sources"]), *status["receivers"]]


def _count(count: int, one: str, many: str | None = None) -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def compared(facts: Mapping[str, Any]) -> list[str]:
    """Return in words how a version compares with the one that it serves beside; nothing if it serves beside none."""
    body = facts.get("compared")
    return [] if body is None else comparison_words(facts["version"], body)


def segment(text: object) -> str:
    """Quote one part of an address."""
    return quote(str(text), safe="~", errors="replace")


FILTERS: dict[str, Callable[..., Any]] = {
    "age": age, "beside_verdict": beside_verdict, "bytes": bytes_text, "compared": compared, "cure": cure,
    "instant": instant, "mark": mark, "number": number, "percent": percent, "segment": segment, "span": span,
    "words": words,
}  # fmt: skip
GLOBALS: dict[str, Any] = {
    "evidence_place": evidence_place, "ratio_place": ratio_place, "strip": strip, "UNKNOWN": UNKNOWN,
}  # fmt: skip
