from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.config import Loaded, load_config, load_text
from monitor.config.not_yet import KEYS
from monitor.config.shape import known_keys, member
from monitor.config.yaml_marks import MAX_BYTES
from monitor.errors import ConfigError, Fault

Faults = Callable[..., list[Fault]]
Load = Callable[..., Loaded]

MODEL = """\
models:
  - name: churn
    records: {type: files, path: "logs/*.jsonl"}
    reference: {path: reference.parquet}
"""
SECRET = "whsec_" + base64.b64encode(b"0123456789" * 3).decode()
HOOK = "receivers:\n  - {name: job, type: webhook, url: 'http://127.0.0.1:9/hook', secret: " + SECRET + "}\n"


def said(faults: list[Fault]) -> list[str]:
    """Return faults as they are printed, less the folder."""
    return ["config.yaml:" + str(fault).partition("config.yaml:")[2] for fault in faults]


def only(faults: list[Fault]) -> str:
    """Return the one fault as it is printed."""
    assert len(faults) == 1, said(faults)
    return said(faults)[0]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("mode", "ask", 'not allowed (got "ask"); expected one of dry_run, approve, auto'),
        ("one_segment", "veto", 'not allowed (got "veto"); expected one of approve, allow'),
        ("max_age", "old", "not a duration"),
        ("max_age", "0s", "out of range"),
    ],
)
def test_a_gate_says_what_it_takes(faults_of: Faults, key: str, value: str, expected: str) -> None:
    """What the gate of retrainings cannot be told is refused with what it can."""
    retrain = f"    retrain: {{receiver: job, min_targets: 0, {key}: {value}}}\n"
    assert f"models[churn].retrain.{key}: {expected}" in only(faults_of(MODEL + retrain + HOOK))


def test_the_least_config_holds(load: Load) -> None:
    """A name, records and a reference are enough; all else has a default."""
    model = load(MODEL).config.models[0]
    assert (model.name, model.task, model.window.length) == ("churn", "none", timedelta(hours=1))


def cases() -> Iterator[tuple[str, str, str]]:
    """Yield title, lines under the model and what is said of them: word for word, as it is the style of every fault."""
    for block in Path(__file__).with_name("faults.txt").read_text("utf-8").strip().split("\n\n"):
        title, *lines = block.removeprefix("# ").splitlines()
        given = [line.removeprefix("> ") for line in lines if line.startswith("> ")]
        yield title, "".join(f"    {line}\n" for line in given), "\n".join(lines[len(given) :])


@pytest.mark.parametrize(("title", "lines", "expected"), list(cases()), ids=[title for title, _, _ in cases()])
def test_a_fault_says_where_what_and_what_else(faults_of: Faults, title: str, lines: str, expected: str) -> None:
    """A fault says file, line, column, code and path, what is wrong, what was got and what is expected."""
    assert only(faults_of(MODEL + lines)) == expected, title


def test_a_missing_key_is_blamed_on_what_lacks_it(faults_of: Faults) -> None:
    """A required key that is missing stands where the mapping that lacks it begins."""
    found = said(faults_of("models:\n  - name: churn\n    reference: {path: r.csv}\n"))
    assert found == ["config.yaml:2:5: error[E107] models[churn].records: required key is missing"]


def test_an_empty_section_is_its_defaults(load: Load) -> None:
    """A section whose every line is commented out is as if it were not there."""
    assert load(f"{MODEL}    window:\n      # length: 2h\n").config.models[0].window.length == timedelta(hours=1)


def test_an_empty_section_that_is_required_is_missing(faults_of: Faults) -> None:
    """A required section without a line in it is missing, not of a wrong type."""
    assert "error[E107] models[churn].reference" in only(faults_of(MODEL.replace(" {path: reference.parquet}", "")))


def test_one_source_stands_without_a_list(faults_of: Faults) -> None:
    """The path of a fault has an index only where the file has a list."""
    one = faults_of(MODEL.replace('path: "logs/*.jsonl"', "path: 5"))
    assert [fault.path for fault in one] == ["models[churn].records.path"]
    several = faults_of(MODEL.replace('{type: files, path: "logs/*.jsonl"}', "[{type: files, path: 5}]"))
    assert [fault.path for fault in several] == ["models[churn].records[0].path"]


def test_all_faults_come_at_once_and_in_order(faults_of: Faults) -> None:
    """One reading finds every fault of the file, in the order of its lines."""
    text = """\
        server: {lissten: 1}
        models:
          - name: Churn
            records: {type: files, path: churn, dedup: 5m}
            reference: {path: r.csv, rows: 5}
            sampling: {rate: 2}
            sampling: {rate: 1}
          - name: churn
            records: 5
        receivers:
          - {name: job, type: webhook, url: "${HOOK}", secret_file: nowhere}
        routes: [{to: team}]
        """
    found = faults_of(text)
    assert [(fault.line, fault.code) for fault in found] == [
        (1, "E101"),
        (3, "E108"),
        (4, "E109"),
        (5, "E115"),
        (6, "E103"),
        (7, "E104"),
        (8, "E107"),
        (9, "E102"),
        (11, "E110"),
        (11, "E111"),
        (12, "E114"),
    ]


@pytest.mark.parametrize("name", ["Churn", "-churn", "churn-", "a" * 64, "chürn", "a b", ""])
def test_a_model_s_name_is_a_label(faults_of: Faults, name: str) -> None:
    """A name that could not stand in a metric, a link and a file is refused."""
    assert "error[E108]" in only(faults_of(MODEL.replace("name: churn", f"name: '{name}'")))


def test_a_name_is_given_once(faults_of: Faults) -> None:
    """Two models of one name are refused at the second."""
    second = MODEL.partition("\n")[2]
    assert only(faults_of(MODEL + second)) == (
        'config.yaml:5:11: error[E108] models[churn].name: name "churn" is given twice (first at line 2)'
    )


def test_a_route_knows_its_names(faults_of: Faults) -> None:
    """A receiver or model that a route names and nobody has is named, with the nearest that exists."""
    found = said(faults_of(f"{MODEL}{HOOK}routes:\n  - {{match: {{model: [chum]}}, to: [jop]}}\n"))
    assert [line.splitlines()[0] for line in found] == [
        'config.yaml:8:22: error[E114] routes[0].match.model[0]: no model is named "chum"; expected one of churn',
        'config.yaml:8:35: error[E114] routes[0].to[0]: no receiver is named "jop"; expected one of job',
    ]
    assert [line.splitlines()[1] for line in found] == ['  help: did you mean "churn"?', '  help: did you mean "job"?']


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "10.0.0.1:80", "[::]:1", "example.com:80"])
def test_only_loopback_is_served_without_tokens(faults_of: Faults, listen: str) -> None:
    """The API without tokens listens where only this machine can reach it."""
    assert "not a loopback address" in only(faults_of(f"{MODEL}server: {{listen: '{listen}'}}\n"))


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "127.1.2.3:65535", "[::1]:80", "localhost:10464"])
def test_loopback_is_served(load: Load, listen: str) -> None:
    """Every loopback address is taken."""
    assert load(f"{MODEL}server: {{listen: '{listen}'}}\n").config.server.listen == listen


@pytest.mark.parametrize("key", ["listen", "metrics_listen"])
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.0.0.1:65536", "127.0.0.1:x", "::1:80", "", "a b:1", "http://x:1"]
)
def test_an_address_has_a_host_and_a_port(faults_of: Faults, key: str, address: str) -> None:
    """What is no host with a port is refused before anything binds to it."""
    assert "not an address" in only(faults_of(f"{MODEL}server: {{{key}: '{address}'}}\n"))


@pytest.mark.parametrize("link", ["ftp://x", "https://", "https://u:p@x", "https://x?y", "x"])
def test_links_start_with_a_web_address(faults_of: Faults, link: str) -> None:
    """What links in alerts start with holds no user, query or fragment."""
    assert "not a web address" in only(faults_of(f"{MODEL}server: {{external_url: '{link}'}}\n"))


def test_a_model_without_targets_that_waits_for_them_is_warned_of(load: Load) -> None:
    """A retraining that needs targets, where none are configured, is a warning with the way out."""
    warnings = load(f"{MODEL}    retrain: {{receiver: job}}\n{HOOK}").warnings
    assert [(fault.code, fault.path, fault.help) for fault in warnings] == [
        ("W114", "models[churn].retrain", "add targets, or set min_targets: 0")
    ]


@pytest.mark.parametrize("key", sorted(KEYS - {"state.database"}))
def test_what_is_said_to_come_has_not_come(key: str) -> None:
    """A key that is refused as of a later version is not one of this version's settings."""
    from monitor.config import Config

    *above, last = key.split(".")
    spot: tuple[object, ...] = (Config,)
    for part in above:
        spot = member(spot, part)
        assert spot, f"{part} is no key any more"
    assert last not in known_keys(spot)


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        ("{'1': {path: a}, '2': {pth: b}}", "error[E101] models[churn].reference.2.pth"),
        ("{'1': {rolling: 1h}}", "error[E115] models[churn].reference.1.rolling: 1h is not longer than a window (1h)"),
        ("{rolling: 5m}", "error[E115] models[churn].reference.rolling: 5m is not longer than a window (1h)"),
        ("{rolling: 0s}", "error[E115] models[churn].reference.rolling: 0s is not longer than a window (1h)"),
        ("{rolling: soon}", "error[E102] models[churn].reference.rolling"),
        ("{season: 52w}", "error[E115] models[churn].reference.season: 52w of steps of 1h would hold "),
        (
            "{season: 1w, rolling: 7d}",
            "error[E115] models[churn].reference: give one of path, rows, rolling and season",
        ),
        ("{'1': {rows: 0}}", "error[E103] models[churn].reference.1.rows"),
        (
            "{'1': {path: a, rows: 5}}",
            "error[E115] models[churn].reference.1: give one of path, rows, rolling and season",
        ),
        ("{'1': {path: a}, '2': b}", "error[E101] models[churn].reference.1"),
        ("{pth: a}", "error[E101] models[churn].reference.pth"),
        ("{}", "error[E115] models[churn].reference: give one of path, rows, rolling and season"),
        ("a.parquet", "error[E102] models[churn].reference"),
        ("{'1': {path: a}, '*': {path: b}}", 'error[E115] models[churn].reference: "*" is the rule for versions'),
    ],
)
def test_a_reference_is_one_or_a_map_by_version(faults_of: Faults, reference: str, fault: str) -> None:
    """What is neither is blamed where it stands."""
    found = [
        str(each)
        for each in faults_of(
            f"models:\n  - {{name: churn, records: {{type: files, path: x}}, reference: {reference}}}\n"
        )
    ]
    assert any(fault in each for each in found), found


def test_the_example_of_the_contract_is_told_what_is_not_here_yet(faults_of: Faults, tmp_path: Path) -> None:
    """A config with everything that is promised for later has a fault for each such key, and no other."""
    (tmp_path / "token").write_text("x" * 32)
    later = Path(__file__).with_name("later.yaml").read_text("utf-8")
    found = {(fault.code, fault.path) for fault in faults_of(later)}
    expected = {(fault.code, fault.path) for fault in faults_of(later) if fault.code == "E109"}
    assert found == expected
    assert {path for _, path in found} >= {"server.auth", "models[flight-delay].privacy"}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E100"),
        (b"\xff\xfe\x00", "E100"),
        (b"models: [\n", "E100"),
        (b"- a\n", "E102"),
        (b"x: 1\n", "E101"),
        (b"# " + b"x" * MAX_BYTES, "E105"),
        ("models: 😀\n".encode(), "E102"),
    ],
)
def test_a_file_that_is_no_config_is_a_fault(tmp_path: Path, content: bytes, code: str) -> None:
    """Whatever bytes stand in the file, the answer is a fault with a code."""
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.faults[0].code == code


def test_a_bom_is_read_over(tmp_path: Path) -> None:
    """A byte order mark before the text, as some editors write it, is no fault."""
    path = tmp_path / "config.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + MODEL.replace("\n", "\r\n").encode())
    assert load_config(path, {}).config.models[0].name == "churn"


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: __import__("os").mkfifo(path)], ids=["folder", "pipe"])
def test_what_is_no_file_is_not_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A folder or a pipe in place of the file is refused at once."""
    make(tmp_path / "config.yaml")
    with pytest.raises(ConfigError, match="cannot read"):
        load_config(tmp_path / "config.yaml", {})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(["name", "records", "reference", "window", "columns", "drift", "alerts", "retrain", "targets"]),
    value=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["path", "type", "length", "columns", "match", "x"]), inner, max_size=3)
        ),
        max_leaves=6,
    ),
)
def test_no_value_anywhere_gives_anything_but_faults(key: str, value: object) -> None:
    """Whatever stands at a key, it is taken or answered with faults that have a line, a path and a sentence."""
    import json

    text = f"{MODEL}  - {{name: other, {key}: {json.dumps(value)}}}\n"
    with pytest.raises(ConfigError) as caught:
        load_text(text, Path("config.yaml"), {})
    assert all(fault.line and fault.path and fault.message for fault in caught.value.faults)


def test_senders_have_one_address(faults_of: Faults) -> None:
    """A model has one source that is sent by HTTP, as they would share its address."""
    text = "models:\n  - name: churn\n    records: [{type: http}, {type: http}]\n    reference: {path: r.parquet}\n"
    where = "config.yaml:3:36: error[E115] models[churn].records[1].type"
    what = "records have a second source of type http; expected one: senders share its address"
    assert only(faults_of(text)) == f"{where}: {what}"
