"""The pages: complete, escaped, free of scripts, and honest about what is unknown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import pytest
from litestar.types import ASGIApp

from monitor.web import create_app
from monitor.web.render import to_json
from tests.web.asking import ask
from tests.web.sample import ALERT, MODEL, SampleView, window

WINDOW = quote(window(0)["id"])
PAGES = ("/", f"/models/{MODEL}", f"/windows/{WINDOW}", f"/alerts/{ALERT}", "/api/docs", "/models/nothing")
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Reader(HTMLParser):
    """Reads a page: tags, attributes, text; and whether every tag is closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes another"

    def handle_data(self, data: str) -> None:
        self.text += data


def read(app: ASGIApp, path: str) -> Reader:
    """Ask for a page as a browser does."""
    answer = ask(app, path, accept="text/html,application/xhtml+xml")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return Reader(answer.body.decode())


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_formed_and_runs_nothing(app: ASGIApp, path: str) -> None:
    """Every tag is closed, and there is no script, no style and no handler within the page."""
    page = read(app, path)
    assert page.open == []
    for tag, attributes in page.tags:
        assert tag not in {"script", "style", "iframe", "object"}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_can_be_read_without_eyes(app: ASGIApp, path: str) -> None:
    """It has a language, a title, one main heading, a way past the header; graphics and tables say what they are."""
    page = read(app, path)
    names = [tag for tag, _ in page.tags]
    assert dict(page.tags)["html"] == {"lang": "en"}
    assert names.count("h1") == names.count("main") == 1
    assert ("a", {"class": "skip", "href": "#main"}) in page.tags
    assert names.count("table") == names.count("caption") == names.count("thead")
    for tag, attributes in page.tags:
        if tag == "svg":
            assert attributes.get("aria-label")
        if tag == "th":
            assert attributes.get("scope") in {"col", "row"}
        if tag == "img":
            assert "alt" in attributes


@pytest.mark.parametrize("path", PAGES)
def test_every_link_of_a_page_leads_somewhere(app: ASGIApp, path: str) -> None:
    """No link within the site is broken."""
    hrefs = {link.partition("#")[0] for _, each in read(app, path).tags if (link := each.get("href"))}
    links = {link for link in hrefs if link.startswith("/")}
    broken = [link for link in sorted(links) if ask(app, link).status != 200]
    assert links
    assert broken == []


def test_the_overview_tells_what_matters(app: ASGIApp) -> None:
    """The first page names the alert, the models, what drifted, what was asked for and what was not delivered."""
    text = read(app, "/").text
    for wanted in ("1 alert firing", MODEL, "price-of-homes", "temp", "retrain", "retrain-job", "no file matches"):
        assert wanted in text


def test_a_calm_daemon_says_that_all_is_stable(app: ASGIApp, view: SampleView) -> None:
    """Without alerts and with everything healthy the first sentence is a calm one."""
    view.body["alerts"].clear()
    view.body["receivers"].pop()
    view.body["models"].pop()
    for version in view.body["models"][0]["versions"]:
        version["last_window"]["verdict"] = "stable"
    assert "Everything is stable" in read(app, "/").text


def test_a_daemon_before_its_first_window_does_not_claim_calm(app: ASGIApp, view: SampleView) -> None:
    """Unknown is never shown as fine."""
    view.all_windows.clear()
    view.body["alerts"].clear()
    view.body["receivers"].pop()
    view.body["models"].pop()
    for version in view.body["models"][0]["versions"]:
        version["last_window"] = None
    assert "Waiting for the first window" in read(app, "/").text


def test_drift_that_no_single_window_shows_names_its_suspects(app: ASGIApp, view: SampleView) -> None:
    """When evidence gathered over time and no column drifts in the last window, the page names the likeliest ones."""
    for body in view.all_windows:
        for column in body["columns"]:
            column["verdict"] = "stable"
    text = read(app, "/").text
    assert "carry most of the evidence" in text
    assert "temp" in text


def test_a_daemon_without_anything_has_a_page(view: SampleView) -> None:
    """No model, no receiver, no delivery: still a page."""
    view.body |= {"models": [], "alerts": [], "actions": [], "receivers": []}
    view.all_windows.clear()
    view.all_deliveries.clear()
    assert "No model is configured" in read(create_app(view), "/").text


def test_the_page_reloads_unless_told_not_to(app: ASGIApp) -> None:
    """A reader may stop the reloading."""
    assert ("meta", {"http-equiv": "refresh", "content": "30"}) in read(app, "/").tags
    still = read(app, "/?refresh=0")
    assert not [each for tag, each in still.tags if tag == "meta" and each.get("http-equiv")]
    assert "reload every 30 s" in still.text


@pytest.mark.parametrize("path", PAGES[:-2])
def test_hostile_names_are_text(view: SampleView, path: str) -> None:
    """Markup in any text the daemon hands over is shown, not obeyed."""
    spoil(view)
    page = read(create_app(view), path)
    assert page.open == []
    assert not [tag for tag, each in page.tags if tag == "script" or each.get("onerror")]
    assert "<script>alert(1)</script>" in page.text
    assert "{{7*7}}" in page.text


def test_the_api_is_described_on_a_page(app: ASGIApp) -> None:
    """The page names every path, what it does and what it needs."""
    text = read(app, "/api/docs").text
    for wanted in ("GET /api/v1/status", "POST /api/v1/actions/{id}/{step}", "needs a token", "most items"):
        assert wanted in text


def test_older_windows_are_a_page_away(app: ASGIApp) -> None:
    """The list of windows goes on, and the older page does not reload."""
    first = read(app, f"/models/{MODEL}")
    [older] = [str(each["href"]) for tag, each in first.tags if tag == "a" and "cursor=" in (each.get("href") or "")]
    assert "Older windows" not in read(app, older.split("#")[0]).text
    assert not [each for tag, each in read(app, older.split("#")[0]).tags if each.get("http-equiv")]


def test_a_browser_gets_a_page_for_a_fault(app: ASGIApp) -> None:
    """Who asks for HTML reads the fault as a page with the same status; a program reads problem details."""
    assert ask(app, "/models/nothing", accept="text/html").status == 404
    assert "There is no such model" in read(app, "/models/nothing").text
    assert ask(app, "/models/nothing").headers["content-type"] == "application/problem+json"
    assert ask(app, "/api/v1/nothing", accept="text/html").headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_can_be_told_from_its_ground(app: ASGIApp, scheme: int) -> None:
    """Every pair of colours that carries text has a contrast of at least 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    style = ask(app, "/static/driftline.css").body.decode()
    block = style.split(":root {")[scheme + 1].split("}")[0]
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block))
    tones = ("good", "bad", "warn", "broken", "info")
    pairs = [(tone, f"{tone}-soft") for tone in tones]
    pairs += [(ink, ground) for ink in ("text", "quiet", "link") for ground in ("page", "panel")]
    pairs += [("quiet", "quiet-soft")]
    poor = [pair for pair in pairs if contrast(*(colours[name] for name in pair)) < 4.5]
    assert poor == []


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours by the formula of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Return the relative luminance of #rgb or #rrggbb."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    channels = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def spoil(view: SampleView) -> None:
    """Put markup wherever the daemon's user may have written."""
    for body in view.all_windows:
        for column in body["columns"]:
            column["name"] = column["kind"] = HOSTILE
        body["why"] = HOSTILE
    for alert in view.all_alerts:
        alert |= {"name": HOSTILE, "columns": [HOSTILE], "segment": HOSTILE}
    _spoil_reasons(view.body)


def _spoil_reasons(value: Any) -> None:
    if isinstance(value, dict):
        for key in value.keys() & {"why", "segment", "acknowledged_by", "reload_error", "kind", "task"}:
            value[key] = HOSTILE
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _spoil_reasons(each)


def test_json_is_written_compactly_and_in_utf8() -> None:
    """No spaces, no escapes that are not needed."""
    assert to_json({"name": "größe", "list": [1, 0.1]}) == '{"name":"größe","list":[1,0.1]}'.encode()


def test_an_alert_shows_the_window_in_which_it_fired(app: ASGIApp, view: SampleView) -> None:
    """However much later it resolved, and in whatever window, its columns are those of its first."""
    fired, last = window(5), window(0)
    view.all_alerts[0] |= {"started_at": fired["closed_at"], "window": last["id"], "state": "resolved"}
    hrefs = [each.get("href") for _, each in read(app, f"/alerts/{ALERT}").tags]
    assert f"/windows/{quote(fired['id'], safe='~')}" in hrefs
    assert f"/windows/{quote(last['id'], safe='~')}" not in hrefs


def test_an_alert_says_in_words_what_happened_and_what_to_do(app: ASGIApp) -> None:
    """Its diagnosis stands there as text, and how sure each cause is."""
    page = read(app, f"/alerts/{ALERT}")
    assert "The population has changed: retrain on recent rows." in page.text
    assert "confidence 70 %" in page.text


def test_an_alert_says_why_a_column_that_looks_stable_is_named(app: ASGIApp, view: SampleView) -> None:
    """A column under its threshold in that window is named by evidence over windows, and the page says so beside it."""
    said = "evidence over windows carries the alert; in this window alone its distance is under its threshold"
    by_verdict = {column["verdict"]: column["name"] for column in window(5)["columns"]}
    view.all_alerts[0] |= {"started_at": window(5)["closed_at"], "columns": [by_verdict["stable"]]}
    assert said in read(app, f"/alerts/{ALERT}").text
    view.all_alerts[0] |= {"columns": [by_verdict["drifted"]]}
    assert said not in read(app, f"/alerts/{ALERT}").text
