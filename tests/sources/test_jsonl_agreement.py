"""Arrow and the line by line reader mean the same by every line, whatever else stands in the block."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.record import Column, Decoded, Kind, Layout, Role
from monitor.sources.formats.block import joined, split
from monitor.sources.formats.json_rows import Wanted, decode_rows
from monitor.sources.formats.jsonl import decode
from monitor.sources.formats.paths import places
from monitor.tally import without_marks

LAYOUT = Layout(
    "timestamp",
    (
        Column("n", "inputs.n", Role.FEATURE, Kind.NUMERIC),
        Column("c", "inputs.c", Role.FEATURE, Kind.CATEGORICAL),
        Column("b", "inputs.b", Role.FEATURE, Kind.BOOLEAN),
        Column("v", "inputs.v", Role.FEATURE, Kind.VECTOR),
        Column("deep", "inputs.d.e", Role.FEATURE, Kind.NUMERIC),
        Column("prediction", "prediction", Role.PREDICTION, Kind.CATEGORICAL),
    ),
    id="id",
)
NAMES = ["inputs.n", "inputs.c", "inputs.d.e", "n", "c", "b", "v", "e", "prediction", "id", "other", "inputs"]
ANY = [*NAMES, "timestamp"]
TIMES = ["2013-07-01T09:15:00Z", "2013-07-01", "2013-07-01 09:15", "2013-07-01T09:15:00.123456789+02:00", "2026-02-30"]
ODD_TEXTS = ["1", "0", "true", "False", " 2 ", "nan", "1e999", "UA", "\ud800"]
ODD_LINES = [
    *(
        b"",
        b" ",
        b"\r",
        b"null",
        b"[]",
        b"5",
        b"{}",
        b"{} {}",
        b'{"n":',
        b'{"n":1}}',
        b"\xef\xbb\xbf{}",
        b'\x00{"n":1}',
    ),
    *(b'{"n":Inf}', b'{"n":-NaN}', b'{"z":-Inf}', b'{"n":Infi}', b'{"z":"Inf"', b'{"z":\xff}', b'{"n":01}'),
    *(b'{"n":1e999}', b'{"n":' + b"9" * 5000 + b"}", b'{"n":1}\r{"n":2}', b'{"c":"-NaN","n":Inf}'),
    *(b'{"z":' + b"[" * depth + b"]" * depth + b"}" for depth in (150, 300, 100_000)),
]

numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.floats(),
    st.sampled_from([0, 1, 1.0, -0.0, 2**53, 2**53 + 1, 2**63, 2**64, 10**400, -(10**30), 1e300, 5e-324]),
)
texts = st.one_of(st.text(max_size=4), st.sampled_from(ODD_TEXTS))
scalars = st.one_of(st.none(), st.booleans(), numbers, texts, st.sampled_from(TIMES))
values = st.one_of(scalars, st.lists(scalars, max_size=3), st.dictionaries(st.sampled_from("ecn"), scalars, max_size=2))
inputs = st.one_of(values, st.dictionaries(st.sampled_from(["n", "c", "b", "v", "d"]), values, max_size=4))
records = st.fixed_dictionaries(
    {"timestamp": st.one_of(st.sampled_from(TIMES), values)},
    optional={name: inputs if name == "inputs" else values for name in NAMES},
)
whole = records.map(lambda record: json.dumps(record).encode())
twice = st.tuples(records, st.sampled_from(ANY), values).map(
    lambda parts: json.dumps(parts[0]).encode()[:-1] + b"," + json.dumps({parts[1]: parts[2]}).encode()[1:]
)
garbage = st.one_of(st.binary(max_size=12).map(lambda data: data.replace(b"\n", b"")), st.sampled_from(ODD_LINES))
plain = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from(TIMES[:4]),
        "id": st.text("ab", max_size=2),
        "inputs": st.fixed_dictionaries({"n": st.floats(allow_infinity=False), "c": st.sampled_from(["UA", "AA"])}),
        "prediction": st.integers(0, 3),
    }
).map(lambda record: json.dumps(record).encode())
blocks = st.lists(st.one_of(plain, plain, whole, twice, garbage), max_size=12).map(b"\n".join)


def row_wise(data: bytes) -> Decoded:
    """Decode line by line."""
    found = places([LAYOUT.timestamp, *(field.path for field in LAYOUT.fields)])
    wanted = Wanted(LAYOUT, found[0], found[1:], {field.path: field.type for field in LAYOUT.fields})
    return decode_rows(split("f", data), wanted)


def plainly(decoded: Decoded) -> tuple[str, Any, dict[str, int]]:
    """Return something that compares NaN with NaN, and says why a line was refused but not in which words."""
    rejected = [(fault.reason, fault.offset) for fault in decoded.rejected]
    return repr(decoded.table.to_pylist()).replace("-0.0", "0.0"), rejected, decoded.mismatched


@given(blocks)
@settings(max_examples=400)
@example(b'{"timestamp":"2013-07-01","inputs":{"n":1},"n":5}\n{"timestamp":"2013-07-01","n":"6","inputs":null}')
@example(b'{"timestamp":"2013-07-01","prediction":9007199254740993}\n{"timestamp":"2013-07-01","prediction":1.5}')
def test_arrow_and_the_line_reader_agree(data: bytes) -> None:
    """A block decodes to the same rows, refusals and counts, by whichever way."""
    fast = decode(split("f", data), LAYOUT)

    assert plainly(fast) == plainly(row_wise(data))
    assert without_marks(fast.table).schema == pa.schema(
        [("timestamp", pa.int64()), *((f.path, f.type) for f in LAYOUT.fields)]
    )


@given(blocks, blocks)
def test_where_a_block_is_cut_changes_nothing(first: bytes, second: bytes) -> None:
    """Two blocks decoded apart are the one block decoded whole."""
    data = first + b"\n" + second
    cut = len(first) + 1
    apart = joined([decode(split("f", data[:cut]), LAYOUT), decode(split("f", data[cut:], cut), LAYOUT)], LAYOUT)

    assert plainly(apart) == plainly(decode(split("f", data), LAYOUT))


@pytest.mark.parametrize("line", [b"null", b"[1]", b"5", b'"x"', b"true"])
def test_a_line_that_is_no_object_is_refused_alone(line: bytes) -> None:
    """JSON that is not an object is refused, and never reaches Arrow, which crashes on null."""
    good = b'{"timestamp":"2013-07-01","id":"1"}\n'

    decoded = decode(split("f", good * 500 + line + b"\n" + good * 500), LAYOUT)

    assert decoded.table.num_rows == 1000
    assert [(fault.reason, fault.offset) for fault in decoded.rejected] == [("not_object", len(good) * 500)]
