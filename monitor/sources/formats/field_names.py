"""Columns of Parquet that are known by the ids of their fields: how the table that a file is of calls them now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pyarrow as pa

_ID = b"PARQUET:field_id"


class FieldNames:
    """What the columns of one file are called, members of structs too.

    Parameters
    ----------
    schema: the file's own. names: by the id of a field; one without an id, or of an id without a name, keeps its own.

    >>> own = pa.schema([pa.field("a_x2Eb", pa.int64(), metadata={"PARQUET:field_id": "3"})])
    >>> told = FieldNames(own, {3: "a.b"})
    >>> told.schema.names, told.own("a.b"), told.named(pa.table({"a_x2Eb": [1]})).column_names
    (['a.b'], 'a_x2Eb', ['a.b'])
    """

    def __init__(self, schema: pa.Schema, names: Mapping[int, str]) -> None:
        self.schema = pa.schema([_named(field, names) for field in schema])
        self._own = dict(_paths(schema, self.schema, "", ""))
        self._names = {own: name.rpartition("\0")[2] for name, own in self._own.items()}
        self._is_same = all(name.replace("\0", ".") == own.replace("\0", ".") for name, own in self._own.items())

    def own(self, path: str) -> str:
        """Return what the file calls a column, or a member of a struct by its dotted path."""
        top = path if path in self.schema.names else path.replace(".", "\0")
        return self._own[top].replace("\0", ".")

    def named(self, table: pa.Table) -> pa.Table:
        """Return some of the file's columns as they are called."""
        if self._is_same:
            return table
        columns = [
            pa.chunked_array([self._array(chunk, name) for chunk in table[name].chunks], self._type(table, name))
            for name in table.column_names
        ]
        return pa.table(columns, names=[self._names[name] for name in table.column_names])

    def _type(self, table: pa.Table, name: str) -> pa.DataType:
        return self._array(pa.array([], table.schema.field(name).type), name).type

    def _array(self, array: pa.Array, path: str) -> pa.Array:
        if not pa.types.is_struct(array.type) or not array.type.num_fields:
            return array
        own = [field.name for field in array.type]
        parts = [self._array(array.field(place), f"{path}\0{name}") for place, name in enumerate(own)]
        names = [self._names[f"{path}\0{name}"] for name in own]
        return pa.StructArray.from_arrays(parts, names=names, mask=array.is_null())


def _named(field: pa.Field, names: Mapping[int, str]) -> pa.Field:
    given = (field.metadata or {}).get(_ID)
    type_ = field.type
    if pa.types.is_struct(type_):
        type_ = pa.struct([_named(member, names) for member in type_])
    return pa.field(names.get(int(given), field.name) if given is not None else field.name, type_)


def _paths(own: pa.Schema, called: pa.Schema, before: str, above: str) -> Iterator[tuple[str, str]]:
    """Yield what each field is called and its own name, members behind a zero byte: names may hold dots."""
    for mine, theirs in zip(own, called, strict=True):
        yield above + theirs.name, before + mine.name
        if pa.types.is_struct(mine.type):
            yield from _paths(mine.type, theirs.type, f"{before}{mine.name}\0", f"{above}{theirs.name}\0")
