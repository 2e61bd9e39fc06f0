"""Words that the docs explain, against the words that the program says."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest

from monitor.action import Why
from monitor.calibration.cures import CURES
from monitor.config import Config
from monitor.delivery import SCHEDULE_SECONDS
from monitor.notification import MessageType
from monitor.observability.rules import rules
from monitor.record import Reason
from monitor.withholding import Withheld
from tests.claims.pages import read

_RECEIVING = "docs/how-to/receive-webhooks.md"
OBSTACLES = [Why.DRY_RUN, Why.ACTION_OPEN, Why.COOLDOWN, Why.BUDGET_SPENT, Why.TOO_FEW_TARGETS]
EXPLAINED: dict[str, Sequence[str]] = {
    "docs/how-to/tail-logs.md": list(Reason),
    "docs/promise.md": list(CURES),
    "docs/how-to/retrain.md": OBSTACLES,
    "docs/reference/webhook.md": list(MessageType),
    "docs/how-to/on-call.md": list(Withheld),
}


@pytest.mark.parametrize(("page", "word"), [(page, word) for page, words in EXPLAINED.items() for word in words])
def test_a_reason_is_explained(page: str, word: str) -> None:
    """Each reason that the program gives stands in the table of the page about it."""
    rows = [line for line in read(page).splitlines() if line.startswith("|")]
    assert any(f"`{word}`" in row for row in rows)


@pytest.mark.parametrize(("why", "cured"), CURES.items())
def test_a_cure_is_the_same_on_the_page(why: str, cured: str) -> None:
    """What helps against a reason stands beside it in the words that the commands and the web page say."""
    (row,) = [line for line in read("docs/promise.md").splitlines() if line.startswith(f"| `{why}`")]
    assert row.endswith(f"| {cured} |")


def test_how_long_a_receiver_may_be_down_is_told() -> None:
    """The tries and the hours on the page are those of the schedule."""
    told = re.search(r"(\w+) more tries with growing, random waits,\nover (\d+) hours at most", read(_RECEIVING))
    assert told
    assert (told[1], int(told[2])) == ("eight", round(sum(SCHEDULE_SECONDS) / 3600))
    assert len(SCHEDULE_SECONDS) == 8


def test_every_section_of_the_config_is_shown() -> None:
    """The page of the config has a part for each section of the file."""
    for key in Config.model_fields:
        assert re.search(rf"^## {key}(\[\])?( |$)", read("docs/reference/config.md"), re.MULTILINE)


def test_every_sign_is_in_the_rules() -> None:
    """The expressions that the page on Prometheus says to page on are those of the rules that are printed."""
    signs = re.findall(r"^\| .* \| `(.+)` \|$", read("docs/how-to/prometheus.md"), re.MULTILINE)
    assert signs
    assert set(signs) <= {f"{rule.vector} {rule.condition}".strip() for rule in rules()}
