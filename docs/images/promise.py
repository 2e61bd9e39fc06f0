# ruff: noqa: INP001 - a script, not a package
"""Draws the evidence of the tutorial's windows: ``python docs/images/promise.py > docs/images/promise.svg``."""

from __future__ import annotations

import math
import sys

QUIET = (
    *(0.41, 0.68, 0.853, 1.393, 1.251, 1.32, 1.413, 1.51, 1.533, 1.721, 1.733, 1.835, 1.742, 1.77, 1.88, 1.944),
    *(2.07, 1.996, 1.994, 2.015, 2.103, 2.02, 2.14, 2.165, 2.178, 2.104, 2.108, 2.422),
)
"""Of the first week, window by window, as `driftline backtest` tells it."""
THRESHOLD = 240.0
"""Windows of six hours in sixty days."""
FIRING = 12
"""Windows drawn of the second week; in the first of them the evidence leaves the picture."""
LEFT, RIGHT, TOP, BOTTOM = 60, 700, 20, 220
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 260" font-family="sans-serif" font-size="13" role="img">'
)
LOWEST, HIGHEST = 0.2, 1000.0


def x(place: int) -> float:
    """Return where a window stands."""
    return LEFT + (RIGHT - LEFT) * (place + 0.5) / (len(QUIET) + FIRING)


def y(evidence: float) -> float:
    """Return the height of an evidence, on a scale of powers."""
    share = math.log(min(evidence, HIGHEST) / LOWEST) / math.log(HIGHEST / LOWEST)
    return BOTTOM - (BOTTOM - TOP) * share


def level(evidence: float, name: str, dashes: str) -> str:
    """Return a line across, with its name."""
    height = y(evidence)
    return (
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{height:.1f}" y2="{height:.1f}" '
        f'stroke="#b33" stroke-dasharray="{dashes}"/>'
        f'<text x="{LEFT + 4}" y="{height - 5:.1f}" fill="#b33">{name}</text>'
    )


def draw() -> str:
    """Return the picture."""
    values = [*QUIET, *[HIGHEST] * FIRING]
    points = " ".join(f"{x(place):.1f},{y(value):.1f}" for place, value in enumerate(values))
    change = (x(len(QUIET) - 1) + x(len(QUIET))) / 2
    parts = [
        HEAD,
        "<title>Evidence stays low for a week, then passes its threshold within one window</title>",
        '<rect width="720" height="260" fill="#fff"/>',
        f'<rect x="{change:.1f}" y="{TOP}" width="{RIGHT - change:.1f}" height="{BOTTOM - TOP}" fill="#fdecea"/>',
        *(f'<text x="{LEFT - 8}" y="{y(v) + 4:.1f}" text-anchor="end" fill="#555">{v:g}</text>' for v in (1, 10, 100)),
        level(THRESHOLD, "fires: 240, the windows in 60 days", "none"),
        level(math.sqrt(THRESHOLD), "pending: its square root", "4 4"),
        f'<polyline points="{points}" fill="none" stroke="#1a5fb4" stroke-width="2"/>',
        f'<text x="{LEFT}" y="{BOTTOM + 22}" fill="#555">3 February</text>',
        f'<text x="{change:.1f}" y="{BOTTOM + 22}" fill="#555">10 February: the door stays open</text>',
        f'<line x1="{LEFT}" x2="{RIGHT}" y1="{BOTTOM}" y2="{BOTTOM}" stroke="#555"/>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(draw())
