"""Writes a config that explains itself: what was chosen stands there, and every default stands behind a ``#``."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from monitor.config.model import Config, ModelSettings
from monitor.config.shape import fields
from monitor.config.yaml_marks import resolve
from monitor.settings import Rate, Settings, duration_text

_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./ -]*")
_MARGIN = 34
"""The column that comments start in, where there is room."""

_RECEIVERS = """\
# receivers:
#   - {name: team, type: webhook, url_file: /run/secrets/url, secret_file: /run/secrets/signing}
#   - {name: retrain-job, type: webhook, url: "http://127.0.0.1:9000/retrain", secret_file: /run/secrets/job}
# routes:
#   - {match: {severity: critical}, to: [team]}
"""
_RETRAIN = "    # retrain: {receiver: retrain-job, mode: dry_run}  # dry_run: says what it would do; then auto\n"


def config_text(title: str, model: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a config of one model.

    Parameters
    ----------
    title: the sentence at its head.
    model: what is chosen of the model's own keys: name, task, records, targets, reference.
    sections: what is chosen within ``columns``, ``window`` and so on.
    """
    whole = fields(Config)
    lines = [f"# {title}", "# Every key behind a # shows its default: take the # away to change it.", ""]
    for name in ("server", "state"):
        lines += [f"{name}:", *_section(whole[name].default, {}, "  "), ""]
    lines += ["models:", *_model(model, sections), ""]
    return "\n".join(lines) + _RETRAIN.replace("\n", "\n\n") + _RECEIVERS


def _model(model: Mapping[str, Any], sections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    known = fields(ModelSettings)
    yield f"  - name: {flow(model['name'])}"
    for key in ("task", "records", "reference", "targets"):
        if key in model:
            yield _line("    ", key, model[key], known[key])
        elif key == "targets":
            yield _line("    # ", key, {"type": "files", "path": "targets/*.jsonl"}, known[key])
    yield _line("    # ", "rows_per_window", known["rows_per_window"].default, known["rows_per_window"])
    for key in ("columns", "window", "sampling", "drift", "alerts", *(["quality"] if "quality" in sections else [])):
        yield f"    {key}:"
        yield from _section(known[key].default, sections.get(key, {}), "      ")


def _section(default: Settings, chosen: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, info in fields(type(default)).items():
        if key == "database":
            continue  # see not_yet.py
        value = getattr(default, next(name for name, each in type(default).model_fields.items() if each is info))
        yield _line(indent if key in chosen else f"{indent}# ", key, chosen.get(key, value), info)


def _line(start: str, key: str, value: Any, info: FieldInfo) -> str:
    text = f"{start}{key}: {flow(value)}"
    return f"{text:<{_MARGIN}}  # {info.description}" if info.description else text


def flow(value: Any) -> str:
    """Return a value as it stands on one line of YAML.

    >>> flow({"path": "logs/*.jsonl", "every": timedelta(hours=1), "name": "no", "id": None})
    '{path: "logs/*.jsonl", every: 1h, name: no, id: null}'
    """
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, Rate):
        return str(value)
    if isinstance(value, BaseModel):
        return flow({key: getattr(value, name) for name, key in _keys(value).items()})
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(key)}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    is_plain = isinstance(value, str) and _PLAIN.fullmatch(value) and isinstance(resolve(value), str)
    return value if is_plain and not value.endswith(" ") else json.dumps(value, ensure_ascii=False)


def _keys(settings: BaseModel) -> dict[str, str]:
    return {name: info.alias or name for name, info in type(settings).model_fields.items()}
