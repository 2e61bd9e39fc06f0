# ruff: noqa: INP001 - a script, not a package
"""Draws how soon the tutorial's reference finds what: ``python docs/images/delay.py > docs/images/delay.svg``."""

from __future__ import annotations

import math
import sys

STEPS = {
    "celsius": {0.1: 9, 0.25: 1, 0.5: 1, 1.0: 1},
    "drink": {0.02: 109, 0.05: 5, 0.1: 1, 0.25: 1},
}
"""Steps of six hours until an effect is found, by column and effect, as `driftline check --format json` tells them."""
FLOORS = {"celsius": 0.031, "drink": 0.0124}
"""What no drift under it is found for, however long it lasts; from the same answer."""
UNITS = {"celsius": "sd", "drink": "of share"}
LEFT, RIGHT, TOP, BAR, GAP = 170, 610, 44, 18, 8
LONGEST = 240.0
"""Steps in the sixty days of the promise: the right end of the scale."""
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 340" font-family="sans-serif" font-size="13" role="img">'
)


def x(steps: float) -> float:
    """Return where a bar of so many steps ends, on a scale of powers; one step is seen too."""
    return LEFT + (RIGHT - LEFT) * (0.03 + 0.97 * math.log(steps) / math.log(LONGEST))


def bar(top: float, name: str, steps: int | None) -> str:
    """Return one effect: its name, its bar, and its delay in words; no bar where it is never found."""
    told = "never found" if steps is None else f"{steps} step{'s' * (steps > 1)}, {steps * 6} hours"
    end = LEFT if steps is None else x(steps)
    drawn = (
        "" if steps is None else f'<rect x="{LEFT}" y="{top}" width="{end - LEFT:.1f}" height="{BAR}" fill="#1a5fb4"/>'
    )
    colour = "#b33" if steps is None else "#333"
    return (
        f'<text x="{LEFT - 10}" y="{top + 14}" text-anchor="end" fill="#333">{name}</text>{drawn}'
        f'<text x="{end + 8:.1f}" y="{top + 14}" fill="{colour}">{told}</text>'
    )


def draw() -> str:
    """Return the picture."""
    parts = [
        HEAD,
        "<title>Large effects are found in one step, small ones take long, and under the floor none is</title>",
    ]
    parts.append('<rect width="720" height="340" fill="#fff"/>')
    top = TOP - 16
    for column, steps in STEPS.items():
        parts.append(f'<text x="20" y="{top}" font-weight="bold" fill="#333">{column} changes by</text>')
        top += 10
        unit = UNITS[column]
        rows = [(f"under {FLOORS[column]:g} {unit}", None), *((f"{effect:g} {unit}", n) for effect, n in steps.items())]
        for name, count in rows:
            parts.append(bar(top, name, count))
            top += BAR + GAP
        top += 22
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(draw())
