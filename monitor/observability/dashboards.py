"""Grafana's JSON from the panels: classic schema, for Grafana 10 and later."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from monitor.observability.panel import Panel, Query
from monitor.observability.panels import ROWS
from monitor.observability.promql import JOB, MODEL
from monitor.telemetry import declared as d

with warnings.catch_warnings():
    # The schema recommended in its place is read by Grafana 12 and later only.
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, table, timeseries
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as cm
    from grafana_foundation_sdk.models.common import DataSourceRef
    from grafana_foundation_sdk.models.dashboard import (
        DashboardCursorSync,
        DashboardLinkType,
        DataTransformerConfig,
        DynamicConfigValue,
        Threshold,
        ThresholdsMode,
        ValueMap,
        ValueMappingResult,
        VariableOption,
        VariableRefresh,
        VariableSort,
    )
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

UID = "driftline-overview"
FILE = f"{UID}.json"
_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_BASE_TWO = 2.0


def overview(page: str | None = None) -> str:
    """Return the dashboard as Grafana reads it from a file.

    Parameters
    ----------
    page: address of the monitor's own page, linked from the dashboard, or ``None``.
    """
    board = (
        dashboard.Dashboard("Driftline / overview")
        .uid(UID)
        .description("Models in production: drift, alerts, retraining, and the monitor itself.")
        .tags(["driftline"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .refresh("1m")
        .time("now-24h", "now")
        .timezone("browser")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
        .with_variable(_variable("job", "Job", f"label_values({d.BUILD_INFO}, job)"))
        .with_variable(_variable("model", "Model", f"label_values({d.RECORDS}{{{JOB}}}, model)"))
        .annotation(_firing())
    )
    if page is not None:
        link = dashboard.DashboardLink("The monitor's page").type(DashboardLinkType.LINK).url(page)
        board.link(link.target_blank(target_blank=True))
    for built in _rows():
        if isinstance(built, dashboard.Row):
            board.with_row(built)
        else:
            board.with_panel(built)
    return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".+")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )


def _firing() -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(_SOURCE)
        .enable(enable=True)
        .icon_color("red")
        .expr(f'ALERTS{{alertstate="firing",alertname=~"Driftline.*",{MODEL}}}')
    )


def _rows() -> Iterator[Any]:
    number = 0
    for row in ROWS:
        yield dashboard.Row(row.title)
        for panel in row.panels:
            number += 1
            yield _panel(number, panel)


def _panel(number: int, panel: Panel) -> Any:
    looks: dict[str, Callable[[Panel], Any]] = {"stat": _stat, "lines": _lines, "states": _states, "table": _table}
    built = (
        looks[panel.look](panel)
        .id(number)
        .title(panel.title)
        .description(panel.description)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .no_value(panel.no_value)
        .thresholds(_thresholds(panel))
        .height(panel.height)
        .span(panel.width)
    )
    if panel.names:
        options = {value: ValueMappingResult(text=text, color=colour) for value, text, colour in panel.names}
        built.mappings([ValueMap(options)])
    for place, query in enumerate(panel.queries):
        built.with_target(_target(chr(ord("A") + place), query, instant=panel.look in {"stat", "table"}))
    return built


def _target(letter: str, query: Query, *, instant: bool) -> prometheus.Dataquery:
    target = prometheus.Dataquery().ref_id(letter).expr(query.expression).datasource(_SOURCE)
    if query.legend:
        target.legend_format(query.legend)
    if instant:
        target.instant().format(PromQueryFormat.TABLE)
    return target


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=value, color=colour) for value, colour in panel.steps]
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _stat(_: Panel) -> stat.Panel:
    return (
        stat.Panel()
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .graph_mode(cm.BigValueGraphMode.NONE)
    )


def _states(_: Panel) -> statetimeline.Panel:
    return statetimeline.Panel().show_value(cm.VisibilityMode.AUTO).merge_values(merge_values=True)


def _lines(panel: Panel) -> timeseries.Panel:
    built = timeseries.Panel().legend(
        common.VizLegendOptions()
        .show_legend(show_legend=True)
        .display_mode(cm.LegendDisplayMode.LIST)
        .placement(cm.LegendPlacement.BOTTOM)
    )
    if panel.line:
        style = cm.GraphThresholdsStyleMode.LINE
        built.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
    if panel.log:
        built.scale_distribution(common.ScaleDistributionConfig().type(cm.ScaleDistribution.LOG).log(_BASE_TWO))
    else:
        built.min(0)
    return built


def _table(panel: Panel) -> table.Panel:
    """Keep the named labels and the value, in their order, under their titles."""
    titles = {**dict(panel.keep), "Value": "Value"}
    keep = DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": list(titles)}})
    order = DataTransformerConfig(
        id_val="organize",
        options={"indexByName": {name: place for place, name in enumerate(titles)}, "renameByName": titles},
    )
    built = table.Panel().with_transformation(keep).with_transformation(order)
    return built.override_by_name("Value", [DynamicConfigValue(id_val="decimals", value=2)])
