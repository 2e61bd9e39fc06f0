"""The monitor's own metrics: declared once, kept as plain numbers, rendered once a cycle."""

from monitor.telemetry.declared import METRICS, Metric
from monitor.telemetry.page import Page
from monitor.telemetry.telemetry import Telemetry

__all__ = ["METRICS", "Metric", "Page", "Telemetry"]
