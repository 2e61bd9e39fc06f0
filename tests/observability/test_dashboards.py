"""The dashboard for Grafana: what every panel must have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monitor.observability.dashboards import UID, overview
from monitor.observability.promql import series, shown
from monitor.telemetry.declared import CYCLE, STORE_BYTES

BOARD = json.loads(overview())
PANELS = [panel for panel in BOARD["panels"] if panel["type"] != "row"]


def test_the_board_is_the_same_every_time() -> None:
    """Generating twice gives the same bytes."""
    assert overview() == overview()


def test_the_board_can_be_provisioned() -> None:
    """It has a fixed uid and no id, and asks for its data source by a variable."""
    assert (BOARD["uid"], BOARD.get("id"), BOARD["editable"]) == (UID, None, False)
    assert [each["name"] for each in BOARD["templating"]["list"]] == ["datasource", "job", "model"]
    assert "__inputs" not in BOARD


def test_panels_have_ids_of_their_own_and_there_are_not_too_many() -> None:
    """Links to panels need ids; more than two dozen panels nobody reads."""
    ids = [panel["id"] for panel in PANELS]
    assert ids == list(range(1, len(ids) + 1))
    assert len(ids) <= 24


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_says_what_it_shows(panel: dict[str, Any]) -> None:
    """Every panel has a description, a word for no data, a base colour, and the data source by its variable."""
    defaults = panel["fieldConfig"]["defaults"]
    assert panel["description"].endswith(".")
    assert defaults["noValue"]
    assert defaults["thresholds"]["steps"][0]["value"] is None
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target.get("legendFormat") or target["instant"]


def test_a_link_to_the_monitors_page_comes_with_its_address() -> None:
    """Without an address there is no link."""
    assert "links" not in BOARD or BOARD["links"] == []
    assert json.loads(overview("http://monitor:10464"))["links"][0]["url"] == "http://monitor:10464"


def test_a_label_that_a_metric_does_not_have_is_a_fault() -> None:
    """A misspelt label is found when the files are generated, not when a panel stays empty."""
    with pytest.raises(ValueError, match="is not exposed with"):
        series(STORE_BYTES, model="m")
    with pytest.raises(ValueError, match="is not exposed with"):
        shown(CYCLE)
