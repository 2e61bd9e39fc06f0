"""``python -m benchmarks.drift``: the design streams. ``--judge``: the judging streams, once for each engine."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.drift import page
from benchmarks.drift.cost import costs
from benchmarks.drift.judged import JUDGED, engine_name, fingerprint, read, staleness
from benchmarks.drift.run import resumed
from benchmarks.drift.streams import Side, nulls, searches
from benchmarks.drift.tables import bars, delays, rates
from benchmarks.harness import RESULTS, machine, report


def main() -> int:
    """Run one side, print its tables and write them; 1 if the committed result is another engine's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.drift", description=__doc__)
    parser.add_argument("--judge", action="store_true", help="run the judging streams, and write judged.json")
    parser.add_argument("--check", action="store_true", help="say whether judged.json is this engine's; run nothing")
    parser.add_argument("--page", action="store_true", help="write the tables of judged.json into the docs")
    given = parser.parse_args()
    if given.check:
        why = staleness(read())
        print(why or "judged.json is of this engine")
        return 1 if why else 0
    if given.page:
        page.write(read())
        return 0
    side: Side = "judging" if given.judge else "design"
    body = run(side)
    if given.judge:
        JUDGED.write_text(json.dumps(body, indent=1) + "\n", "utf-8")
    for name, rows in (("rates", rates(body)), ("delays", delays(body)), ("bars", bars(body))):
        report(f"drift_{side}_{name}", rows)
    return 0


def run(side: Side, folder: Path = RESULTS / "drift") -> dict[str, Any]:
    """Run the streams of one side that this engine has not yet run."""
    kept = folder / f"{side}-{engine_name()}-{fingerprint()}.jsonl"
    found, searched = resumed(kept, nulls(side), searches(side))
    body = {"side": side, "engine": engine_name(), "sources": fingerprint(), "machine": machine()}
    return {**body, "cost": costs(), "nulls": found, "searches": searched}


if __name__ == "__main__":
    sys.exit(main())
