"""Numbers of every shape, from the reference to the page: calm where nothing drifts, found where something does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pytest

from tests.judging import Draw, judge_of, listen, stamped

Shape = Callable[[np.random.Generator, int, bool], np.ndarray]

SHAPES: dict[str, Shape] = {
    "counts with ties": lambda rng, n, drifts: rng.poisson(3.0 if drifts else 2.0, n).astype(float),
    "bursty counts": lambda rng, n, drifts: rng.poisson(rng.gamma(0.5, 40 if drifts else 20, n)).astype(float),
    "heavy tails": lambda rng, n, drifts: rng.standard_cauchy(n) + (1.0 if drifts else 0.0),
    "heavier on one side": lambda rng, n, drifts: rng.pareto(1.1 if drifts else 1.6, n),
    "zero-inflated": lambda rng, n, drifts: np.where(rng.random(n) < (0.7 if drifts else 0.85), 0, rng.gamma(2, 5, n)),
    "bounded": lambda rng, n, drifts: rng.beta(0.7, 0.5 if drifts else 0.7, n),
    "one side's tail": lambda rng, n, drifts: np.where(
        rng.random(n) < (0.08 if drifts else 0.0), 9, rng.normal(size=n)
    ),
    "a truth value": lambda rng, n, drifts: rng.random(n) < (0.5 if drifts else 0.3),
    "almost constant": lambda rng, n, drifts: np.where(rng.random(n) < (0.15 if drifts else 0.02), 1.0, 0.0),
    "subnormal and huge": lambda rng, n, drifts: rng.choice(
        [5e-324, 1.0, 1e300], n, p=[0.1, 0.8 - drifts / 4, 0.1 + drifts / 4]
    ),
}


def of(shape: Shape, *, drifts: bool) -> Draw:
    """Return a way to draw a column of a shape."""

    def draw(rng: np.random.Generator, times: np.ndarray) -> pa.Table:
        return stamped(times, x=shape(rng, len(times), drifts))

    return draw


@pytest.mark.parametrize("name", SHAPES)
def test_numbers_of_every_shape(name: str) -> None:
    """A hundred and twenty calm hours page nobody, and a drift is found within fifteen."""
    judge = judge_of(of(SHAPES[name], drifts=False))
    heard = listen(judge, of(SHAPES[name], drifts=False), range(120))
    assert heard.pages == {}
    assert listen(judge, of(SHAPES[name], drifts=True), range(15)).pages
