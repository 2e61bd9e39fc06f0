"""Receiver ``command``: a program of this machine gets the message on its stdin, and answers by its exit code.

Only where ``server.allow_commands`` is set: whoever may write the config then runs programs as the daemon's user.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from monitor.delivery import Reason
from monitor.errors import DeliveryFailed, DeliveryRefused
from monitor.instant import Instant
from monitor.receivers.base import NamedSettings
from monitor.receivers.network import Network
from monitor.receivers.variables import variables
from monitor.settings import Duration, parse_duration

LATER = 75
"""EX_TEMPFAIL of sysexits.h: the same message may be taken later."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR")
"""What a program is told of the daemon's environment, which holds secrets."""


class CommandSettings(NamedSettings):
    """A program of this machine; needs server.allow_commands."""

    type: Literal["command"] = "command"
    run: tuple[str, ...] = Field(
        min_length=1, max_length=100, description="the program and its arguments; no shell reads them"
    )
    timeout: Duration = Field(
        parse_duration("30s"), gt=parse_duration("0s"), le=parse_duration("10m"), description="then it is killed"
    )


def leads_to(_settings: CommandSettings) -> None:
    """Return ``None``: a program has no address."""


def send(settings: CommandSettings, message_id: str, body: bytes, _now: Instant, network: Network) -> None:
    """Run the program once: 0 is taken, 75 is later, anything else is never; its output goes nowhere.

    Raises
    ------
    DeliveryFailed: it said 75, took too long, was killed or could not be started.
    DeliveryRefused: it said that it will never take this message.
    """
    name = Path(settings.run[0]).name
    try:
        process = subprocess.Popen(
            [*settings.run],
            cwd=network.root,
            env=_environment(message_id, json.loads(body)),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise DeliveryFailed(Reason.CONNECT_FAILED, f"{name} could not be started ({why})") from error
    with process:
        try:
            process.communicate(body, settings.timeout.total_seconds())
        except subprocess.TimeoutExpired:
            _kill(process)
            what = f"{name} did not end within {settings.timeout.total_seconds():g} s, and was killed"
            raise DeliveryFailed(Reason.TIMEOUT, what) from None
    if process.returncode == LATER or process.returncode < 0:
        raise DeliveryFailed(Reason.UNAVAILABLE, f"{name} ended with {process.returncode}")
    if process.returncode:
        raise DeliveryRefused(Reason.REJECTED, f"{name} ended with {process.returncode}")


def _environment(message_id: str, event: Mapping[str, Any]) -> dict[str, str]:
    told = {"DRIFTLINE_MESSAGE": message_id, "DRIFTLINE_TYPE": str(event["type"])} | variables(event)
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ} | told


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a program and all that it has started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
