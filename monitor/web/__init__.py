"""Pages, API, metrics and health over HTTP."""

from monitor.web.app import create_app, create_operations_app
from monitor.web.problems import Problem
from monitor.web.server import Server, serve
from monitor.web.view import Acknowledgement, Report, Ruling, SilenceAsked, Step, Verb, View

__all__ = [
    "Acknowledgement", "Problem", "Report", "Ruling", "Server", "SilenceAsked", "Step", "Verb", "View", "create_app",
    "create_operations_app", "serve",
]  # fmt: skip
