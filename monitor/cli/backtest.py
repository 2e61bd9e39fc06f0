"""``driftline backtest``: logged history through the engine of ``run``; the alerts that would have fired, and when."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated

import typer

from monitor.cli.common import DEFAULT_CONFIG, ConfigOption, read_config, show, write, write_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.cli.backtesting import Answer
    from monitor.config import Loaded
    from monitor.injection import Injection
    from monitor.replay import Told

_DRIFT = 1


class BacktestFormat(StrEnum):
    """How a backtest is written to stdout."""

    TABLE = "table"
    JSONL = "jsonl"
    HTML = "html"


FromOption = Annotated[str | None, typer.Option("--from", metavar="T", help="Tell of windows from this instant on.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="T", help="Tell of windows up to this instant.")]
AgainstOption = Annotated[
    Path | None, typer.Option("--against", metavar="FILE", help="Another config, told beside; not with jsonl.")
]
InjectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--inject",
        metavar="SPEC",
        help="Put drift into the records, and say how soon it is found: 'column=temp scale=1.8 from=2013-09-01'. "
        "Instead of scale: offset, noise, outliers, clip, round, missing, constant, relabel, swap, delay, mix; "
        "or 'duplicate=0.1' of whole records. May be repeated.",
    ),
]
FormatOption = Annotated[BacktestFormat, typer.Option("--format", help="For people or for programs.")]
FailOption = Annotated[bool, typer.Option("--fail-on-alert", help="End with code 1 if an alert would have fired.")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backtest")(backtest)


def backtest(
    config: ConfigOption = DEFAULT_CONFIG,
    since: FromOption = None,
    until: ToOption = None,
    against: AgainstOption = None,
    inject: InjectOption = None,
    format: FormatOption = BacktestFormat.TABLE,
    *,
    fail_on_alert: FailOption = False,
) -> None:
    """Replay logged history: which alerts would have fired, and when. No receiver is called, nothing is kept."""
    begun = perf_counter()
    from monitor.injection import parse_injection

    told = _told(since, until)
    injections = [parse_injection(spec) for spec in inject or []]
    if against is not None and format is BacktestFormat.JSONL:
        raise _fault("E115", "--against", "a stream of lines has one summary", "use --format table or html")
    main = read_config(config)
    other = None if against is None else read_config(against)
    if format is BacktestFormat.JSONL:
        drift = _print_lines(main, told, injections, begun)
    else:
        from monitor.cli.backtesting import answer_of

        answers = [answer_of(each, told, injections, begun) for each in (main, other) if each is not None]
        _print_answers(answers, format)
        drift = answers[0].summary["answer"] == "drift"
    if fail_on_alert and drift:
        raise typer.Exit(_DRIFT)


def _told(since: str | None, until: str | None) -> Told:
    from monitor.replay import Told

    told = Told(_instant("--from", since), _instant("--to", until))
    if told.since is not None and told.until is not None and told.since >= told.until:
        raise _fault("E115", "--from", "not before --to", None)
    return told


def _instant(option: str, text: str | None) -> int | None:
    from monitor.instant import from_text

    try:
        return None if text is None else from_text(text)
    except ValueError:
        raise _fault("E102", option, "not an instant", "write e.g. 2013-07-01 or 2013-07-01T09:15:00Z") from None


def _fault(code: str, option: str, message: str, hint: str | None) -> Exception:
    from monitor.errors import ConfigError, Fault

    return ConfigError([Fault(code, None, None, None, option, message, hint)])


def _print_lines(loaded: Loaded, told: Told, injections: Sequence[Injection], begun: float) -> bool:
    """Print a line as soon as it is known, then the summary; say whether it is drift."""
    import sys

    from monitor.cli.backtesting import looking, replaying
    from monitor.replay import summary

    shown = not sys.stdout.isatty()
    with looking(shown=shown) as look, replaying(loaded, told, injections) as (replays, found):
        for line in found:
            write_json(line)
            look(replays, line)
    body = summary(replays, loaded.hash, perf_counter() - begun)
    write_json(body)
    return bool(body["answer"] == "drift")


def _print_answers(answers: Sequence[Answer], format: BacktestFormat) -> None:
    if format is BacktestFormat.HTML:
        from monitor.cli.pages import backtest_page

        write(backtest_page(answers))
    else:
        from monitor.cli.backtest_table import tables

        show(*tables(answers))
