from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.config.substitution import plain
from monitor.config.yaml_marks import MAX_BYTES, Node, YamlFault, parse, resolve

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
BOMBS = {
    "aliases": "a: &a 1\nb: [" + ",".join(["*a"] * 101) + "]",
    "billion laughs": LAUGHS,
    "flow": "[" * 100_000,
    "mappings": "{a: " * 1000,
    "block": "".join(" " * level + "a:\n" for level in range(500)),
    "dashes": "- " * 100_000,
    "deep by alias": "a: &a [[[[[[[[[[1]]]]]]]]]]\nb: &b [[[[[[[[[[*a]]]]]]]]]]\nc: [[[[[[[[[[[[[*b]]]]]]]]]]]]]",
}


def attempt(text: str) -> Node | YamlFault:
    """Return what a text is read as, or the fault that it has."""
    try:
        return parse(text)
    except YamlFault as fault:
        return fault


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("017", 17),
        ("0o17", 15),
        ("0x1F", 31),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-12.25", -12.25),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("2013-07-01", "2013-07-01"),
        ("=", "="),
        (".inf", float("inf")),
        ("0b11", "0b11"),
    ],
)
def test_plain_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    """A word is a number, a truth value or null only by the core schema of YAML 1.2."""
    assert resolve(text) == value
    assert type(resolve(text)) is type(value)


@pytest.mark.parametrize("text", ["'1'", '"true"', "|\n  1"])
def test_what_is_quoted_is_text(text: str) -> None:
    """Quotes and block scalars make text of anything."""
    assert isinstance(plain(parse(f"a: {text}")), dict)
    assert isinstance(parse(f"a: {text}").entries[0][1].value, str)


def test_a_node_knows_where_it_stands() -> None:
    """Lines and columns count from 1, for keys, values and items alike."""
    root = parse("a:\n  - b: 1\n    c: [2, 3]\n")
    key, node = root.entries[0][1].items[0].entries[1]
    assert (key.line, key.column, node.line, node.column) == (3, 5, 3, 8)
    assert (node.items[1].line, node.items[1].column) == (3, 12)


def test_an_alias_stands_where_it_is_used() -> None:
    """What an alias stands for is blamed at the alias."""
    node = parse("a: &x 1\nb: *x\n").entries[1][1]
    assert (node.value, node.line, node.column) == (1, 2, 4)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str) -> None:
    """Whatever would expand or nest without end is refused as E105 before it costs a tenth of a second."""
    started = time.perf_counter()
    with pytest.raises(YamlFault) as caught:
        parse(BOMBS[name])
    assert caught.value.code == "E105"
    assert time.perf_counter() - started < 0.1


def test_a_hundred_aliases_are_allowed() -> None:
    """The limit of aliases is a hundred, not fewer."""
    assert len(parse("a: &a 1\nb: [" + ",".join(["*a"] * 100) + "]").entries[1][1].items) == 100


@pytest.mark.parametrize(("levels", "allowed"), [(32, True), (33, False)])
def test_the_limit_of_depth_is_thirty_two(levels: int, allowed: bool) -> None:
    """A scalar may stand inside 32 lists and not inside 33."""
    text = "[" * levels + "1" + "]" * levels
    if allowed:
        assert parse(text).depth == levels
    else:
        with pytest.raises(YamlFault, match="nested deeper than 32 levels"):
            parse(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: [1", (1, 6)),
        ("a:\n\tb: 1", (2, 1)),
        ("a: 1\n---\nb: 2\n", (2, 1)),
        ("a: &a [*a]", (1, 8)),
        ("", (1, 1)),
        ("# nothing\n", (1, 1)),
        ("%YAML 3.0\n---\na: 1", (1, 1)),
    ],
)
def test_what_is_not_one_document_says_where(text: str, place: tuple[int, int]) -> None:
    """A syntax error, a second document, an alias of itself and an empty file are E100 with line and column."""
    with pytest.raises(YamlFault) as caught:
        parse(text)
    assert (caught.value.code, (caught.value.line, caught.value.column)) == ("E100", place)


@pytest.mark.parametrize("text", ["{a: 1}: 2", "[a]: 2", "a: &x 1\n*x : 2", "? " * 100_000])
def test_a_key_that_is_no_text_is_refused(text: str) -> None:
    """A mapping, a list or an alias for a key has no path that one could say."""
    with pytest.raises(YamlFault, match="a key is a mapping"):
        parse(text)


def test_numbers_of_any_length_are_read() -> None:
    """A number too long for a machine is text or infinite, and no exception."""
    assert parse(f"a: {'9' * 5000}").entries[0][1].kind == "scalar"


def test_a_node_does_not_show_its_value() -> None:
    """A node's value may be a secret, so that its representation leaves it out."""
    assert "hunter2" not in repr(parse("a: hunter2"))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=8), values, max_size=4))
def test_json_is_read_as_it_is(value: dict[str, Any]) -> None:
    """JSON is YAML 1.2: what a program wrote as JSON is read back unchanged."""
    import json

    assert plain(parse(json.dumps(value))) == value


@given(st.text(max_size=200))
def test_any_text_gives_a_node_or_a_fault(text: str) -> None:
    """Whatever stands in the file, reading it ends in a node or in one sentence."""
    assert isinstance(attempt(text), Node | YamlFault)


@pytest.mark.parametrize(
    "text", ["x " * (MAX_BYTES // 8 // 2), "#\n" * (MAX_BYTES // 8 // 2), '"' + "\\n" * (MAX_BYTES // 8 // 3) + '"']
)
def test_a_large_file_ends(text: str) -> None:
    """An eighth of the largest file is read or refused in a second or so, whatever fills it."""
    started = time.perf_counter()
    assert isinstance(attempt(text), Node | YamlFault)
    assert time.perf_counter() - started < 5
