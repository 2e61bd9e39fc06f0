"""What a job is told by variables of its environment; ``monitor.receiver`` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from monitor.receivers.template import parameters

_NAMES = {
    "model": "MODEL",
    "version": "VERSION",
    "alert_id": "ALERT",
    "action_id": "ACTION",
    "action": "KIND",
    "expires_at": "EXPIRES_AT",
    "rows_url": "ROWS",
    "callback_url": "CALLBACK",
    "callback_token": "CALLBACK_TOKEN",
}


def variables(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a job as variables; what is not known is empty."""
    told = parameters(event)
    return {f"DRIFTLINE_{variable}": told[name] for name, variable in _NAMES.items()}
