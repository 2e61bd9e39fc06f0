"""What a config that is read again may not change."""

from __future__ import annotations

from monitor.config import Loaded
from monitor.errors import MonitorError


def refuse_fixed(before: Loaded, after: Loaded) -> None:
    """Refuse what cannot change while running.

    Raises
    ------
    MonitorError: names the keys.
    """
    old, new = before.config, after.config
    changed = [
        f"server.{name}"
        for name in ("listen", "metrics_listen")
        if getattr(old.server, name) != getattr(new.server, name)
    ]
    changed += ["state.directory"] if old.state.directory != new.state.directory else []
    if changed:
        raise MonitorError(f"{', '.join(changed)} cannot change while running", "restart the daemon")
