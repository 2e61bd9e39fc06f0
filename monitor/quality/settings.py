"""What is expected of the data's quality; what is not said is inferred from the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Self, TypeAlias

from pydantic import Field, model_validator

from monitor.record import Column, Kind
from monitor.settings import Settings
from monitor.tally import Ends, Mismatched, Outside, Pair, Relation, Tally

Switch: TypeAlias = Literal["all", "off"]


class AtMost(Settings):
    """The share of records that may be so; its rate in the reference then does not matter."""

    at_most: float = Field(ge=0, lt=1, description="share of records, 0 to 1")


class ColumnQualitySettings(Settings):
    """What is expected of one column."""

    checks: Switch = Field("all", description="all, or off: the column's quality is not looked at")
    missing: AtMost | None = Field(None, description="records without a value; unset: as in the reference")
    type: AtMost | None = Field(
        None, description="values that are not of the column's type; unset: none, as far as known"
    )
    non_finite: AtMost | None = Field(None, description="NaN and infinities; unset: as in the reference")
    unseen: AtMost | None = Field(None, description="categories new to the reference; unset: as within it")
    range: tuple[float | None, float | None] | None = Field(
        None, description="least and greatest value; unset: far beyond the reference's"
    )
    length: tuple[int | None, int | None] | None = Field(
        None, description="least and greatest characters of a text; unset: far beyond the reference's"
    )
    constant: bool = Field(False, description="whether the column may hold one value for a whole window")  # noqa: FBT003

    @model_validator(mode="after")
    def _ends_are_in_order(self) -> Self:
        for ends in (self.range, self.length):
            if ends is not None and None not in ends and ends[0] > ends[1]:  # type: ignore[operator]
                raise ValueError("a range whose end is before its start; expected [least, greatest]")
        return self

    @property
    def ends(self) -> tuple[float | None, float | None] | None:
        """Return the range that is given, of values or of lengths."""
        return self.range if self.range is not None else self.length


class QualitySettings(Settings):
    """What is expected of the data; a column's expectations that are not given are inferred from the reference."""

    checks: Switch = Field("all", description="all, or off: no quality is looked at")
    tolerance: float = Field(0.002, ge=0, le=1, description="a share so much above the reference's never matters")
    duplicates: AtMost | None = Field(None, description="records whose id another has; unset: as in the reference")
    pairs: tuple[tuple[str, Relation, str], ...] = Field(
        (), description='numbers that must stand to each other so, such as [low, "<=", high]'
    )
    columns: dict[str, ColumnQualitySettings] = Field(
        default_factory=dict, description="expectations of single columns"
    )

    def own(self, name: str) -> ColumnQualitySettings:
        """Return what is expected of a column."""
        return self.columns.get(name, ColumnQualitySettings())

    def looked_at(self, column: Column) -> bool:
        """Say whether the quality of a column is looked at; a derived one has that of its parent."""
        return self.checks == "all" and column.parent is None and self.own(column.name).checks == "all"

    def tallies(self, columns: Sequence[Column], ranges: Mapping[str, Ends]) -> tuple[Tally, ...]:
        """Return what is to be tallied of the rows, given the columns; what no column fits is left out.

        Parameters
        ----------
        ranges: the usual one of columns, by key.
        """
        if self.checks == "off":
            return ()
        found: list[Tally] = [Mismatched(column.key) for column in columns if self.looked_at(column)]
        for column in columns:
            ends = self.own(column.name).ends or ranges.get(column.key)
            if ends is not None and column.kind in (Kind.NUMERIC, Kind.TEXT) and self.looked_at(column):
                found.append(Outside(column.key, *ends))
        numbers = {column.name: column.key for column in columns if column.kind is Kind.NUMERIC}
        pairs = ((a, relation, b) for a, relation, b in self.pairs if a in numbers and b in numbers)
        return (*found, *(Pair(numbers[a], relation, numbers[b]) for a, relation, b in pairs))
