"""A whole file is one flat table within a limit, or a refusal with a code that says what to do."""

from __future__ import annotations

import gzip
import os
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monitor.errors import ReferenceUnusable
from monitor.sources.tables import DEFAULT_LIMIT_BYTES, read_table

LINE = b'{"timestamp":"2013-07-01T00:00:00Z","inputs":{"temp":1,"v":[1,2]},"carrier":"UA"}\n'


def code_of(path: Path, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> str:
    """Return the code with which a file is refused."""
    with pytest.raises(ReferenceUnusable) as refused:
        read_table(path, limit_bytes=limit_bytes)
    return refused.value.code


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst"])
def test_structs_become_columns_with_dotted_names(tmp_path: Path, name: str) -> None:
    """Plain or packed, nested lines are one flat table, lists kept."""
    pack = {"gz": gzip.compress, "zst": lambda data: pa.compress(data, "zstd", asbytes=True)}
    (tmp_path / name).write_bytes(pack.get(name.rpartition(".")[2], bytes)(LINE * 3))

    table = read_table(tmp_path / name)

    assert table.column_names == ["timestamp", "inputs.temp", "inputs.v", "carrier"]
    assert table["inputs.v"].to_pylist() == [[1, 2]] * 3


def test_parquet_is_flattened_decoded_and_its_nan_is_missing(tmp_path: Path) -> None:
    """Categories of pandas are text, and what pandas writes for missing is null."""
    columns = {"inputs": [{"a": 1.0}, None], "d": pa.array(["x", "y"]).dictionary_encode(), "f": [float("nan"), 1.0]}
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")

    table = read_table(tmp_path / "a.parquet")

    assert table.to_pydict() == {"inputs.a": [1.0, None], "d": ["x", "y"], "f": [None, 1.0]}


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    """Names after flattening choose; one that is not there is left out."""
    pq.write_table(pa.table({"inputs": [{"a": 1.0, "b": 2.0}], "c": ["x"]}), tmp_path / "a.parquet")

    assert read_table(tmp_path / "a.parquet", ["inputs.b", "zz"]).column_names == ["inputs.b"]


def test_csv_keeps_words_for_nothing_and_newlines_in_quotes(tmp_path: Path) -> None:
    """NA is a value, the empty field is missing, and a whole file may quote a newline."""
    (tmp_path / "a.csv").write_bytes(b'n,c\n1,NA\n,"a\nb"\n')

    assert read_table(tmp_path / "a.csv").to_pydict() == {"n": [1, None], "c": ["NA", "a\nb"]}


def test_a_column_of_mixed_types_becomes_text(tmp_path: Path) -> None:
    """Lines that Arrow cannot put into one type are read all the same."""
    (tmp_path / "a.jsonl").write_bytes(b'{"a":1}\n{"a":"warm"}\n{"b":true}\n')

    assert read_table(tmp_path / "a.jsonl").to_pydict() == {"a": ["1", "warm", None], "b": [None, None, True]}


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.jsonl", LINE + b"null\n", "E161"),
        ("a.jsonl", LINE + b'{"broken":\n', "E161"),
        ("a.jsonl", b'{"a":1,"a":2}\n', "E161"),
        ("a.csv", b"a,b,a\n1,2,3\n", "E161"),
        ("a.csv", b"a,b\n1\n", "E161"),
        ("a.csv", b'a,b\n1,"x\n2,3\n', "E161"),
        ("a.csv", b"a,b\n\xff,1\n", "E161"),
        ("a.parquet", b"hello", "E161"),
        ("a.jsonl.gz", b"hello", "E161"),
        ("a.pkl", b"anything", "E162"),
        ("a.parquet", pickle.dumps({"a": 1}), "E162"),
        ("a.jsonl", b"\n\n", "E163"),
        ("a.csv", b"a,b\n", "E163"),
    ],
)
def test_each_fault_has_its_code(tmp_path: Path, name: str, content: bytes, code: str) -> None:
    """What is wrong with a file is told by a code, and none of its content is repeated."""
    (tmp_path / name).write_bytes(content)

    assert code_of(tmp_path / name) == code


def test_a_broken_line_is_named_by_its_number(tmp_path: Path) -> None:
    """The operator finds the line without the message showing it."""
    (tmp_path / "a.jsonl").write_bytes(LINE + b'{"secret": oops}\n')

    with pytest.raises(ReferenceUnusable, match="line 2: json_syntax") as refused:
        read_table(tmp_path / "a.jsonl")
    assert "oops" not in str(refused.value)


def test_what_is_missing_or_no_file_is_told(tmp_path: Path) -> None:
    """A missing file, a folder and a FIFO are refused at once, and none is waited for."""
    os.mkfifo(tmp_path / "pipe.csv")

    assert [code_of(tmp_path / name) for name in ("none.csv", ".", "pipe.csv")] == ["E164", "E164", "E164"]


def test_a_bomb_is_refused_with_what_it_would_need(tmp_path: Path) -> None:
    """A dictionary of one long text, repeated, is refused before it is decoded."""
    codes = pa.array(np.zeros(4096, np.int32))
    table = pa.table({"s": pa.DictionaryArray.from_arrays(codes, pa.array(["x" * 2**19]))})
    pq.write_table(table, tmp_path / "bomb.parquet")

    with pytest.raises(ReferenceUnusable, match="would need 2048 MiB, limit 64 MiB") as refused:
        read_table(tmp_path / "bomb.parquet", limit_bytes=64 * 2**20)
    assert refused.value.code == "E160"


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_a_file_beyond_the_limit_is_refused(tmp_path: Path, name: str) -> None:
    """The limit holds for the bytes unpacked, too."""
    data = LINE * 2000
    (tmp_path / name).write_bytes(gzip.compress(data) if name.endswith("gz") else data)

    assert code_of(tmp_path / name, limit_bytes=100_000) == "E160"
