"""The demo on a terminal: one panel that lives, from training to recovery."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.box import ROUNDED
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from monitor.demo.monitoring import Body
from monitor.demo.scene import Performance, Scene, Stage, score_of, told_of
from monitor.instant import to_text

_BARS = "▁▂▃▄▅▆▇█"
_WIDTH = 100
_SPARKS = 64
_PENDING, _FIRING = 0.5, 1.0
"""Of the height of a spark, which is the evidence on a logarithmic scale: pending at the root of the threshold."""
_FRAMES_PER_SECOND = 6
_WAITS = {"too_few_targets": "fresh flights must land before it pays to retrain"}


class LiveScreen:
    """Shows the scene in place, some times a second, on stderr."""

    def __init__(self, console: Console | None = None) -> None:
        self._scene: Scene | None = None
        self._live = Live(
            console=console or Console(file=sys.stderr, highlight=False),
            refresh_per_second=_FRAMES_PER_SECOND,
            get_renderable=lambda: Text() if self._scene is None else draw(self._scene),
        )
        self._live.start()

    def show(self, scene: Scene) -> None:
        """Have the next frame show the scene: frames are drawn at their own pace, however often this is called."""
        self._scene = scene

    def close(self) -> None:
        """Draw the last frame and give the terminal back."""
        self._live.stop()


def draw(scene: Scene) -> Panel:
    """Return the whole picture."""
    parts: list[RenderableType] = [_addresses(scene), Text(), _stages(scene), Text(f"  {scene.note}", "bold"), Text()]
    if scene.now is not None:
        parts += [_stream(scene), _evidence(scene.evidence), _scores(scene)]
    if scene.alert is not None:
        parts += [Text(), *_alert(scene.alert)]
    parts += [*_retraining(scene)]
    if scene.performance.reference is not None:
        parts += [Text(), _performance(scene.performance, scene.versions)]
    return Panel(
        Group(*parts), title="[bold]driftline demo[/bold]: flights from New York, 2013", box=ROUNDED, width=_WIDTH
    )


def _addresses(scene: Scene) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    for name, address in (("page", scene.page), ("metrics", scene.metrics), ("files", _shown(scene.directory))):
        style = f"underline cyan link {address}" if address and address.startswith("http") else ""
        grid.add_row(Text(f"  {name}", "dim"), Text(address or "starts when version 1 is trained", style or "dim"))
    return grid


def _shown(directory: Path) -> str:
    return f"{directory}/  (config.yaml, logs, targets, references)"


def _stages(scene: Scene) -> Text:
    line = Text("  ")
    for stage in Stage:
        if stage in scene.done:
            line.append(f"✔ {stage}", "green")
        elif stage is scene.stage:
            line.append(f"✖ {stage}" if scene.ended else f"▶ {stage}", "bold red" if scene.ended else "bold yellow")
        else:
            line.append(f"· {stage}", "dim")
        line.append("   ")
    return line


def _stream(scene: Scene) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    at = to_text(scene.now or 0)[:16].replace("T", " ")
    verdicts = "   ".join(f"{count} {verdict}" for verdict, count in sorted(scene.verdicts.items()))
    grid.add_row(Text("  time of the flights", "dim"), Text(at, "bold"), Text("records", "dim"), f"{scene.records:,}")
    grid.add_row(Text("  serving", "dim"), f"version {scene.version}", Text("windows", "dim"), verdicts or "none yet")
    return grid


def _evidence(ratios: Sequence[float]) -> Text:
    """Return the evidence of the last windows as bars, on a logarithmic scale up to the threshold."""
    line = Text("  evidence of drift    ", "dim")
    for ratio in ratios[-_SPARKS:]:
        height = _height(ratio)
        color = "red" if height >= _FIRING else "yellow" if height >= _PENDING else "green"
        line.append(_BARS[min(int(height * len(_BARS)), len(_BARS) - 1)], color)
    return line


def _scores(scene: Scene) -> Text:
    """Return how good the model probably is today, and how good it was on the last day whose targets are known."""
    lines = []
    for body, kind in ((scene.window, "estimated"), (scene.scored, "realised")):
        entry = score_of(body, kind)
        if entry is not None:
            band = f" ({entry['lower']:.2f} to {entry['upper']:.2f})" if entry["lower"] is not None else ""
            value = Text.assemble((f"  ROC AUC {kind:<13}", "dim"), (f"{entry['value']:.3f}", "bold"))
            lines.append(value.append(f"{band} on {entry['day']}", "dim"))
    return Text("\n").join(lines)


def _height(ratio: float) -> float:
    """Return 0 for a thousandth of the threshold, 1 for the threshold.

    >>> [round(_height(ratio), 2) for ratio in (0.0, 0.001, 0.1, 1.0, 50.0)]
    [0.0, 0.0, 0.67, 1.0, 1.0]
    """
    return 0.0 if ratio <= 0 else min(max(1 + math.log10(ratio) / 3, 0.0), 1.0)


def _alert(alert: Body) -> list[RenderableType]:
    color = "red" if alert["state"] == "firing" else "green"
    head = Text(f"  {alert['name']} alert ", f"bold {color}")
    head.append(f"{alert['state']} since {alert['started_at'][:10]}" if color == "red" else "resolved", color)
    if alert["resolved_at"]:
        head.append(f" {alert['resolved_at'][:10]} ({alert['reason']})", color)
    diagnosis = alert["diagnosis"] or {"class": "unclear", "causes": []}
    head.append(f"   {', '.join(alert['columns'])}   {diagnosis['class']}")
    causes = [Text(f"    {cause['column']}: {cause['detail']}", "dim") for cause in diagnosis["causes"][:3]]
    return [head, *causes]


def _retraining(scene: Scene) -> list[RenderableType]:
    lines: list[RenderableType] = []
    if scene.gate is not None:
        bar = Table.grid(padding=(0, 1))
        done = min(scene.gate.targets, scene.gate.needed)
        why = _WAITS.get(scene.gate.why, scene.gate.why)
        share = f"{done:,} of {scene.gate.needed:,}"
        bar.add_row(Text("  retraining withheld", "yellow"), ProgressBar(scene.gate.needed, done, width=24), share)
        lines += [bar, Text(f"    {why}", "dim")]
    if scene.delivered is not None:
        attempts = f"{scene.delivered.attempts} attempt{'s' * (scene.delivered.attempts > 1)}"
        lines.append(Text(f"  ✔ webhook {scene.delivered.id}: signature verified, {attempts}", "green"))
    if scene.retraining is not None:
        rows = f" on {scene.retraining.rows:,} flights" if scene.retraining.rows else ""
        why = f": {scene.retraining.why}" if scene.retraining.why else ""
        lines.append(Text(f"  retraining {scene.retraining.status}{rows}{why}", "bold"))
    if scene.recovery is not None:
        color = "green" if scene.recovery.status == "recovered" else "red"
        lines.append(Text(f"  {scene.recovery.text}", color))
    if scene.withheld is not None:
        lines.append(Text(f"  {told_of(scene.withheld)}", "yellow"))
    return lines


def _performance(performance: Performance, versions: Sequence[str]) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    rows = f"{performance.rows:,} flights after promotion" if performance.rows else "after promotion"
    figures = (
        ("version 1 on held-out days of January to March", performance.reference),
        ("version 1 on the last flights before the alert", performance.at_alert),
        (f"version 1 on the {rows}", performance.old_version_same_rows),
        (f"version 2 on the {rows}", performance.after),
    )
    grid.add_row(Text("  ROC AUC", "bold"), "", "")
    for name, figure in figures[: 4 if len(versions) > 1 else 2]:
        bar = ProgressBar(total=1.0, completed=_gain(figure), width=24) if figure is not None else Text("")
        grid.add_row(Text(f"    {name}", "dim"), bar, Text("" if figure is None else f"{figure:.3f}", "bold"))
    return grid


def _gain(figure: float) -> float:
    """Return how far an area stands between guessing (0.5) and 0.85, where these models end."""
    return min(max((figure - 0.5) / 0.35, 0.0), 1.0)
