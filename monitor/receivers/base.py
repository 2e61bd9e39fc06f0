"""What the settings of every receiver have in common."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from monitor.settings import Settings


class NamedSettings(Settings):
    """A receiver's name. What is refused is not quoted: it may be a secret."""

    model_config = ConfigDict(hide_input_in_errors=True)

    name: str = Field(
        pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", description="stands in routes, metrics and the outbox"
    )
