"""Two data frames compared by the same tests as ``driftline compare``.

>>> body = compare({"x": [0.1 * i for i in range(100)]}, {"x": [0.1 * i for i in range(50, 150)]})
>>> body["verdict"], body["columns"][0]["name"], body["columns"][0]["distance"]
('drifted', 'x', 0.5)
"""

from __future__ import annotations

from monitor.frame.comparing import ALPHA, Taken, compare_tables
from monitor.frame.frames import compare

__all__ = ["ALPHA", "Taken", "compare", "compare_tables"]
