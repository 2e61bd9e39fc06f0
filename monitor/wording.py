"""What a message says in plain words: what happened, since when, whether it hurts, and what to do.

Chat programs, pagers and mails get these sentences. They come from the message alone, so that each receiver, and each
resend, says the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from monitor.diagnosis.words import TODO

Json: TypeAlias = Mapping[str, Any]

_NAMED = 3
_TITLES = {
    "drift": "drift",
    "performance": "performance is out of bounds",
    "quality": "broken data",
    "volume": "unusual number of records",
    "latency": "slow answers",
    "fairness": "groups are treated differently",
    "targets": "targets stopped",
    "monitor": "the monitor itself needs help",
}
_TODO_BY_NAME = {
    "quality": TODO["data_fault"],
    "volume": "Look at the callers and at the log's way to the monitor.",
    "latency": "Look at the model server.",
    "targets": "Look at the job that writes the targets.",
    "monitor": "Look at the monitor's log.",
}
_OUTCOMES = {"recovered": "the retraining helped", "not_recovered": "the retraining did not help"}
_WITHHELD = "No retraining was started"


def title(event: Json) -> str:
    """Return one line that names what happened, at most about 100 letters but for long names.

    >>> title({"type": "io.driftline.test", "data": {}})
    'Test message of Driftline'
    """
    alert = event["data"].get("alert") or {}
    name = alert.get("name")
    if event["type"].endswith(".test"):
        return "Test message of Driftline"
    if event["type"].endswith(".digest"):
        return f"{event['data']['items_total']} messages of Driftline"
    model = f"{alert.get('model')} version {alert.get('version')}" if alert.get("version") else str(alert.get("model"))
    where = f" ({alert['segment']})" if alert.get("segment") else ""
    outcome = _recovery(event["data"]).get("status")
    if outcome in _OUTCOMES:
        return f"{model}: {_OUTCOMES[outcome]}"
    if event["type"].endswith(".action.requested"):
        return f"{model}: {(event['data'].get('action') or {}).get('kind', 'action')} requested"
    what = _TITLES.get(str(name), str(name))
    return f"{model}{where}: {what}" + (", resolved" if alert.get("state") == "resolved" else "")


def sentences(event: Json) -> list[str]:
    """Return what a reader needs, a sentence or two an entry, the most important first."""
    data = event["data"]
    alert = data.get("alert") or {}
    if (data.get("action") or {}).get("trigger") == "age":
        return ["Why: the version has served for as long as retrain.max_age allows.", *_action(data)]
    if event["type"].endswith(".digest"):
        left = data["items_total"] - len(data["items"])
        return [*map(_item, data["items"]), *([f"And {left} more, on the page."] if left else [])]
    if not alert.get("name"):
        return ["If you can read this, messages reach you."]
    if _recovery(data).get("status") == "recovered":
        return [str(_recovery(data)["text"]), *_since(data)]
    if alert.get("state") == "resolved":
        return [f"It is over, by the window that ended {_ended(data)}.", *_since(data)]
    return [*_what(data), *_since(data), *_hurts(data), *_todo(data), *_action(data)]


def _recovery(data: Json) -> Json:
    """Return what is known of an action's recovery."""
    found: Json = (data.get("action") or {}).get("recovery") or {}
    return found


def _item(item: Json) -> str:
    """Return a line of a digest: what happened, when, and of which columns."""
    names, total = item["columns"][:_NAMED], item["columns_total"]
    told = f": {', '.join(names)}{_more(total)}" if names else ""
    return f"{item['time']} {title({'type': 'alert', 'data': {'alert': item['alert']}})}{told}."


def _ended(data: Json) -> str:
    return str((data.get("window") or {}).get("end"))


def _what(data: Json) -> list[str]:
    columns, total = data.get("columns") or (), data.get("columns_total") or 0
    causes = (data.get("diagnosis") or {}).get("causes") or ()
    text = (data.get("diagnosis") or {}).get("text")
    if text:
        return [str(text)]
    told = [
        f"{cause['column']}: {cause['detail']}" if cause.get("column") else str(cause["detail"]) for cause in causes
    ]
    if told:
        return ["What: " + "; ".join(told[:_NAMED]) + _more(len(told)) + "."]
    names = [str(column["name"]) for column in columns[:_NAMED]]
    return [f"What: {', '.join(names)}{_more(total)}."] if names else []


def _more(total: int) -> str:
    return f" and {total - _NAMED} more" if total > _NAMED else ""


def _since(data: Json) -> list[str]:
    began = [column["began_at"] for column in data.get("columns") or () if column.get("began_at")]
    started = data["alert"].get("started_at")
    if began:
        return [f"Since: {min(began)}; told {started}."]
    return [f"Since: {started}."] if started else []


def _hurts(data: Json) -> list[str]:
    """Say what is known of the performance; that nothing is known is said too."""
    known = [text for each in data.get("performance") or () if (text := _performance(each))]
    return ["Does it hurt: " + "; ".join(known[:_NAMED]) + "."] if known else ["Does it hurt: not known yet."]


def _performance(entry: Json) -> str | None:
    for key, word in (("realised", ""), ("estimated", " (estimated)")):
        score = entry.get(key) or {}
        if score.get("value") is not None:
            band = _band(score)
            before = entry.get("reference")
            was = f", {before:.3g} in the reference" if before is not None else ""
            return f"{entry['metric']} {score['value']:.3g}{band}{word}{was}"
    return None


def _band(score: Json) -> str:
    low, high = score.get("lower"), score.get("upper")
    return f" [{low:.3g}, {high:.3g}]" if low is not None and high is not None else ""


def _todo(data: Json) -> list[str]:
    """Say what to do, unless the diagnosis has said it already."""
    name, diagnosis = str(data["alert"]["name"]), data.get("diagnosis") or {}
    if diagnosis.get("text"):
        return []
    todo = _TODO_BY_NAME.get(name) or TODO.get(str(diagnosis.get("class")))
    return [f"What to do: {todo}"] if todo else []


def _action(data: Json) -> list[str]:
    action = data.get("action") or {}
    status, why = action.get("status"), action.get("why")
    if not status:
        return []
    if status == "withheld":
        return [f"{_WITHHELD}: {why}."]
    if status == "awaiting_approval":
        ident = action.get("id")
        how = f"driftline actions approve {ident}, or reject"
        return [f"A retraining waits for approval ({why}): {how}."]
    return [f"Action {action.get('kind')}: {status}" + (f" ({why})." if why else ".")]


def facts(event: Json) -> Sequence[tuple[str, str]]:
    """Return names and values that a table of a message shows, what is not known left out."""
    data = event["data"]
    alert, window = data.get("alert") or {}, data.get("window") or {}
    told = {
        "model": alert.get("model"),
        "version": alert.get("version"),
        "segment": alert.get("segment"),
        "severity": alert.get("severity"),
        "class": (data.get("diagnosis") or {}).get("class"),
        "window": window.get("id"),
        "alert": alert.get("id"),
    }
    return [(name, str(value)) for name, value in told.items() if value not in (None, "")]
