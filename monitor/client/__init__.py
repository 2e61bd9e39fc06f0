"""Sends what a Python model server infers to Driftline, in the background: ``from monitor.client import Client``.

Importing this package loads nothing but the standard library.
"""

from monitor.client.client import Client, Counts
from monitor.client.middleware import Monitored

__all__ = ["Client", "Counts", "Monitored"]
