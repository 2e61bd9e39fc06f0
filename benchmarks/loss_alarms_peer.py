"""What river's detectors of concept drift say of a stream of errors: ``python loss_alarms_peer.py STREAM.npz``.

It runs in river's environment, without the project. Each detector reads the reference's errors one by one and then the
stream's, with its own defaults; told are the windows of the stream in which it says drift, as JSON.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import numpy as np

drift: Any = import_module("river.drift")
DETECTORS = {
    "river: DDM": drift.binary.DDM,
    "river: EDDM": drift.binary.EDDM,
    "river: HDDM_A": drift.binary.HDDMA,
    "river: HDDM_W": drift.binary.HDDMW,
    "river: ADWIN": drift.ADWIN,
    "river: Page-Hinkley": drift.PageHinkley,
}


def windows_of(detector: Any, reference: list[bool], stream: list[bool], windows: list[int]) -> list[int]:
    """Return the windows in which the detector says drift; it begins anew by itself."""
    for wrong in reference:
        detector.update(wrong)
    found = []
    for wrong, window in zip(stream, windows, strict=True):
        detector.update(wrong)
        if detector.drift_detected:
            found.append(window)
    return found


def main() -> None:
    """Print the windows of each detector."""
    told = np.load(sys.argv[1])
    reference, stream, windows = (told[name].tolist() for name in ("reference", "stream", "window"))
    reference, stream = [bool(each) for each in reference], [bool(each) for each in stream]
    print(json.dumps({name: windows_of(make(), reference, stream, windows) for name, make in DETECTORS.items()}))


if __name__ == "__main__":
    main()
