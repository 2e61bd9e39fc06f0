"""Asks one peer, in the peer's own environment: ``PYTHON peer.py PEER FOLDER`` prints its alerts by step as JSON.

The folder holds ``reference``, ``calm`` and ``after`` as Parquet, with the step of each row. No file of the project is
imported. Each peer runs with its own defaults, and with the setting that its documentation offers against false alarms.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

# Libraries of other environments: the project does not depend on them, and so imports them by name.
Alerts = list[bool]
_FEW_CALM, _FEW_AFTER = 3, 1
_STRICT = 0.05 / 8640  # a false alarm a column and N steps, where a tool takes a p-value


def _by_step(rows: Any) -> list[Any]:
    return [group.drop(columns="__step").reset_index(drop=True) for _, group in rows.groupby("__step")]


def _texts(rows: Any) -> list[str]:
    return [name for name in rows.columns if rows[name].dtype.kind not in "if"]


def evidently(reference: Any) -> dict[str, Callable[[list[Any]], Alerts]]:
    """Evidently: the drift preset's own share of columns; any column; and p-values at a level made for N steps."""
    core, presets = import_module("evidently"), import_module("evidently.presets")
    numeric = [name for name in reference.columns if name not in _texts(reference)]
    definition = core.DataDefinition(numerical_columns=numeric, categorical_columns=_texts(reference))
    data = core.Dataset.from_pandas(reference, data_definition=definition)
    strict = {"num_method": "ks", "cat_method": "chisquare", "num_threshold": _STRICT, "cat_threshold": _STRICT}

    told: dict[int, list[float]] = {}

    def shares(steps: list[Any], **options: Any) -> list[float]:
        if len(options) not in told:  # two settings read the same reports
            made = [_evident(core, presets.DataDriftPreset(**options), step, (data, definition)) for step in steps]
            told[len(options)] = made
        return told[len(options)]

    return {
        "defaults: half of the columns": lambda steps: [share >= 0.5 for share in shares(steps)],  # noqa: PLR2004
        "defaults: any column": lambda steps: [share > 0 for share in shares(steps)],
        "KS and chi2 at 5 % / 8640": lambda steps: [share > 0 for share in shares(steps, **strict)],
    }


def _evident(core: Any, preset: Any, step: Any, reference: tuple[Any, Any]) -> float:
    data, definition = reference
    told = core.Report([preset]).run(core.Dataset.from_pandas(step, data_definition=definition), data).dict()
    share = next(one["value"]["share"] for one in told["metrics"] if "DriftedColumnsCount" in one["metric_name"])
    return float(share)


def nannyml(reference: Any) -> dict[str, Callable[[list[Any]], Alerts]]:
    """NannyML: univariate drift with its default methods and thresholds, and with thresholds at 5 deviations."""
    nml, thresholds = import_module("nannyml"), import_module("nannyml.thresholds")
    pandas = import_module("pandas")

    def run(steps: list[Any], **options: Any) -> Alerts:
        size = min(len(step) for step in steps)
        calculator = nml.UnivariateDriftCalculator(column_names=list(reference.columns), chunk_size=size, **options)
        calculator.fit(reference)
        # A chunk is a number of rows: each step gives as many, so that chunks are steps.
        told = calculator.calculate(pandas.concat([step.head(size) for step in steps], ignore_index=True))
        rows = told.filter(period="analysis").to_df()
        alerts = [column for column in rows.columns if column[-1] == "alert"]
        return [bool(flag) for flag in rows[alerts].any(axis=1)]

    wide = {name: thresholds.StandardDeviationThreshold(5, 5) for name in ("jensen_shannon", "chi2", "wasserstein")}
    return {"defaults: any column": run, "5 deviations: any column": lambda steps: run(steps, thresholds=wide)}


def alibi(reference: Any) -> dict[str, Callable[[list[Any]], Alerts]]:
    """Alibi: tabular drift (KS, chi2, Bonferroni) at its default level, and at 5 % in N steps."""
    detectors, numpy = import_module("alibi_detect.cd"), import_module("numpy")
    names, texts = list(reference.columns), _texts(reference)
    known = {name: {level: i for i, level in enumerate(sorted(reference[name].dropna().unique()))} for name in texts}

    def coded(rows: Any) -> Any:
        coded = {n: rows[n].map(known[n]).fillna(len(known[n])) if n in known else rows[n] for n in names}
        return numpy.column_stack([numpy.asarray(coded[n], dtype=float) for n in names])

    levels = {names.index(name): len(known[name]) for name in texts}
    data = coded(reference)

    def run(level: float) -> Callable[[list[Any]], Alerts]:
        detector = detectors.TabularDrift(data, p_val=level, categories_per_feature=levels)
        return lambda steps: [bool(detector.predict(coded(step))["data"]["is_drift"]) for step in steps]

    return {"defaults: p .05, Bonferroni": run(0.05), "p .05 / 8640, Bonferroni": run(_STRICT)}


def river(reference: Any) -> dict[str, Callable[[list[Any]], Alerts]]:
    """River: ADWIN on each number, row by row, by default and at delta .05 in the rows of N steps."""
    drift = import_module("river.drift")
    numeric = [name for name in reference.columns if name not in _texts(reference)]

    def run(steps: list[Any], **options: Any) -> Alerts:
        watched = {name: drift.ADWIN(**options) for name in numeric}
        found = [[_fed(watched[name], step[name].dropna()) for name in numeric] for step in [reference, *steps]]
        return [any(flags) for flags in found[1:]]

    return {
        "ADWIN, defaults": run,
        "ADWIN, delta 1e-8": lambda steps: run(steps, delta=1e-8),
    }


def _fed(detector: Any, values: Any) -> bool:
    flagged = False
    for value in values:
        detector.update(float(value))
        flagged |= bool(detector.drift_detected)
    return flagged


def main() -> int:
    """Print the alerts of each setting: those of the calm steps, and those after."""
    peer, folder = sys.argv[1], Path(sys.argv[2])
    pandas = import_module("pandas")
    read = {name: pandas.read_parquet(folder / f"{name}.parquet") for name in ("reference", "calm", "after")}
    calm, after = _by_step(read["calm"]), _by_step(read["after"])
    if peer == "evidently":  # a report takes seconds
        calm, after = calm[:_FEW_CALM], after[:_FEW_AFTER]
    settings = {"evidently": evidently, "nannyml": nannyml, "alibi": alibi, "river": river}[peer]
    told: dict[str, Any] = {"seconds": {}}
    for name, run in settings(read["reference"].drop(columns="__step")).items():
        began = time.perf_counter()
        found = run([*calm, *after])
        told["seconds"][name] = (time.perf_counter() - began) / len(found)
        told[name] = {"calm": found[: len(calm)], "after": found[len(calm) :]}
    print(json.dumps(told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
