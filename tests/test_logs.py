"""What is logged: one object a line, no secret, no forged line, no traceback."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from monitor.errors import SourceUnavailable
from monitor.logs import Level, Redactor, Throttle, configure

SECRET = "s3cr3t/with=signs&more"


@pytest.fixture(autouse=True)
def _undo() -> Iterator[None]:
    """Put logging back as it was found."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Read what was logged as JSON."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def log_to(stream: io.StringIO, level: Level = "info") -> Any:
    """Configure logging to a stream and return a logger."""
    configure("auto", level, [SECRET], stream)
    return structlog.get_logger("monitor.test")


def test_a_pipe_gets_one_json_object_a_line() -> None:
    """What is not a terminal gets JSON with the event, its level and its instant."""
    stream = io.StringIO()
    log_to(stream).warning("row_rejected", reason="torn", offset=17)
    [line] = lines(stream)
    assert (line["event"], line["level"], line["reason"], line["offset"]) == ("row_rejected", "warning", "torn", 17)
    assert line["at"].endswith("Z")


def test_a_terminal_gets_text() -> None:
    """A terminal gets a line for people."""
    stream = Terminal()
    log_to(stream).warning("row_rejected", reason="torn")
    assert "row_rejected" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        f"http://user:{SECRET}@host/",
        "token=s3cr3t%2Fwith%3Dsigns%26more",
        "Basic czNjcjN0L3dpdGg9c2lnbnMmbW9yZQ==",
    ],
)
def test_no_secret_is_logged(text: str) -> None:
    """A secret is blotted out as it stands, percent-encoded and in base64, however deep it lies."""
    stream = io.StringIO()
    log_to(stream).info(text, plain=text, deep={"list": [text, {text: 1}]}, error=ValueError(text))
    logging.getLogger("some.library").warning("called %s", text)
    assert "s3cr3t" not in stream.getvalue()
    assert "czNjcjN0" not in stream.getvalue()
    assert stream.getvalue().count("<secret>") == 6


def test_a_secret_learnt_after_the_start_is_blotted_out_too() -> None:
    """A reload adds its secrets to the same redactor."""
    stream = io.StringIO()
    redactor = configure("json", "info", [], stream)
    redactor.add(["rotated-secret"])
    structlog.get_logger().info("delivered", header="rotated-secret")
    assert "rotated" not in stream.getvalue()


@given(text=st.text())
def test_no_value_forges_a_line(text: str) -> None:
    """Whatever a value holds, it stays one line that parses and ends where the event ends."""
    stream = io.StringIO()
    log_to(stream).info("value", detail=text, list=[text])
    logging.getLogger("some.library").warning("%s", text)
    assert len(lines(stream)) == 2


@pytest.mark.parametrize("hostile", ["a\nb", "a\x1b[31mb", "a\u2028b", "a\u202eb", "a\ud800b", "a\x85b"])
def test_control_characters_are_taken_off(hostile: str) -> None:
    """What drives a terminal or turns the text becomes a replacement character, in text as in JSON."""
    stream = Terminal()
    configure("text", "info", [], stream)
    structlog.get_logger().info("value", detail=hostile)
    assert hostile not in stream.getvalue()
    assert stream.getvalue().count("\n") == 1


def test_an_unexpected_exception_is_reduced_to_its_kind_and_place() -> None:
    """Neither the traceback nor the message of a foreign exception is logged: it may quote the user's data."""
    stream = io.StringIO()
    log = log_to(stream)
    try:
        int("jane@example.com")
    except ValueError:
        log.exception("cycle_failed")
    [line] = lines(stream)
    assert line["error"] == "ValueError"
    assert line["error_at"].startswith("test_logs.py:")
    assert "jane" not in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_our_own_exception_keeps_its_message() -> None:
    """An exception of ours holds no raw value, so its message and help are logged."""
    stream = io.StringIO()
    log_to(stream).warning("source_unavailable", exc_info=SourceUnavailable("no such directory", "mount it"))
    [line] = lines(stream)
    assert line["error_message"] == "no such directory; help: mount it"


def test_debug_shows_the_traceback_on_the_same_line() -> None:
    """At level debug the traceback is there, as a list of lines."""
    stream = io.StringIO()
    log = log_to(stream, "debug")
    try:
        int("x")
    except ValueError:
        log.exception("cycle_failed")
    [line] = lines(stream)
    assert line["traceback"][0].startswith("Traceback")


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "sqlalchemy.engine"])
def test_libraries_that_print_addresses_and_statements_are_quiet(name: str) -> None:
    """At level debug, httpx, httpcore and SQLAlchemy still say nothing below a warning."""
    stream = io.StringIO()
    log_to(stream, "debug")
    logging.getLogger(name).info("GET http://user:password@host")
    assert not stream.getvalue()


def test_a_level_below_the_chosen_one_is_not_written() -> None:
    """Debug events stay out of a log at level info."""
    stream = io.StringIO()
    log_to(stream).debug("detail")
    assert not stream.getvalue()


def test_logs_go_to_stderr_by_default(capsys: pytest.CaptureFixture[str]) -> None:
    """Answers own stdout; logs go to stderr."""
    configure()
    structlog.get_logger().info("started")
    captured = capsys.readouterr()
    assert captured.out == ""
    assert json.loads(captured.err)["event"] == "started"
    assert sys.stderr.isatty() is False


def test_a_throttle_lets_one_event_a_second_through_and_counts_the_rest() -> None:
    """Of many rejections in one second one is logged; the next one tells how many were held back."""
    instants = iter([0.0, 0.1, 0.9, 1.0])
    throttle = Throttle(1.0, clock=lambda: next(instants))
    assert [throttle.passes("row_rejected") for _ in range(4)] == [0, None, None, 2]


def test_events_are_throttled_apart() -> None:
    """One noisy event does not silence another."""
    throttle = Throttle(1.0, clock=lambda: 0.0)
    assert [throttle.passes(event) for event in ("a", "a", "b")] == [0, None, 0]


def test_a_very_short_secret_does_not_shred_the_log() -> None:
    """A secret of under four characters is not blotted out: it would take ordinary words apart."""
    assert Redactor(["a"]).clean("data") == "data"
