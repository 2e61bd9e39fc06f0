"""The JSON Schema of the config: what pydantic knows, and the ``*_file`` keys that stand for secrets."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from monitor.config.model import Config
from monitor.config.shape import fields, is_secret, models
from monitor.settings import Rate, Settings, duration_text

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


class _Schema(GenerateJsonSchema):
    """Writes defaults in the words that an operator would."""

    def encode_default(self, dft: Any) -> Any:
        """Return a default as it would stand in the file."""
        if isinstance(dft, timedelta):
            return duration_text(dft)
        if isinstance(dft, Rate):
            return str(dft)
        return dft.model_dump(mode="json", by_alias=True) if isinstance(dft, Settings) else super().encode_default(dft)


def config_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``config.yaml``."""
    found = Config.model_json_schema(schema_generator=_Schema)
    definitions: dict[str, Any] = found["$defs"]
    for settings in _classes(Config):
        _add_files(definitions.get(settings.__name__, {}), settings)
    for reference in found["properties"]["receivers"]["items"]["discriminator"]["mapping"].values():
        required = definitions[reference.rpartition("/")[2]]["required"]
        required += [] if "type" in required else ["type"]
    for properties in (definitions["StateSettings"]["properties"], found["properties"]["state"]["default"]):
        properties.pop("database", None)  # see not_yet.py
        properties.pop("database_file", None)
    return {"$schema": _DIALECT, **found, "title": "driftline config"}


def _classes(settings: type[BaseModel]) -> set[type[BaseModel]]:
    found = {settings}
    for info in settings.model_fields.values():
        for below in models((info.annotation,)):
            found |= _classes(below)
    return found


def _add_files(definition: dict[str, Any], settings: type[BaseModel]) -> None:
    """Let a file stand for each secret of an object."""
    for name, info in fields(settings).items():
        if not is_secret((info.annotation,)):
            continue
        one = {"type": "string", "description": f"file that holds {name}, relative to the config file"}
        is_text = definition["properties"][name].get("type") == "string"
        definition["properties"][f"{name}_file"] = (
            one if is_text else {"anyOf": [one, {"type": "array", "items": {"type": "string"}}]}
        )
        if name in definition.get("required", []):
            definition["required"].remove(name)
            either = {"anyOf": [{"required": [name]}, {"required": [f"{name}_file"]}]}
            definition.setdefault("allOf", []).append(either)
