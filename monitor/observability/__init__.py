"""Prometheus rules and Grafana dashboards, generated from the declarations of the metrics."""
