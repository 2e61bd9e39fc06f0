"""Derived columns, from a record's own columns to the verdict of a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from monitor.calibration.channels import Feature, weights
from monitor.comparison import ColumnDriftSettings, DriftSettings
from monitor.derived import sample
from monitor.pipeline.compiling import load_judge
from monitor.record import Kind
from monitor.record_layout import ColumnRepeated, ColumnsSettings
from monitor.reference import ReferencePlan, compile_reference
from monitor.window import WindowSettings
from tests.worlds import plan_of, reference_table, write_reference

CIRCULAR = DriftSettings(columns={"amount": ColumnDriftSettings(circular=24, importance=3)})


def plan(drift: DriftSettings) -> ReferencePlan:
    """Return a plan of references."""
    return ReferencePlan("binary", ColumnsSettings(), WindowSettings(min_rows=30), drift)


def test_derived_columns_stand_after_the_others_under_their_parents_name() -> None:
    """No place of an own column changes by what is derived from it."""
    reference = compile_reference(reference_table(4), None, plan(CIRCULAR))
    names = [column.name for column in reference.layout.columns]
    assert reference.names == (*names, "amount.cos", "amount.sin")


def test_the_fingerprint_covers_what_is_derived() -> None:
    """References that differ in a derivation alone are two."""
    table = reference_table(4)
    other = DriftSettings(columns={"amount": ColumnDriftSettings(circular=12, importance=3)})
    ids = {compile_reference(table, None, plan(drift)).id for drift in (CIRCULAR, other)}
    assert len(ids) == 2


def test_rows_are_widened_for_the_profile_alone() -> None:
    """Without derivations the very table is profiled."""
    table = reference_table(4)
    reference = compile_reference(table, None, plan(DriftSettings()))
    assert reference.widened(table) is table


def test_a_name_of_a_facet_that_is_taken_is_refused() -> None:
    """Two columns of one name could not be told apart."""
    table = reference_table(4).append_column("inputs.amount.cos", pa.array(np.arange(240.0) % 7))
    with pytest.raises(ColumnRepeated, match=r"amount\.cos"):
        compile_reference(table, None, plan(CIRCULAR))


def test_facets_share_the_weight_of_their_parent() -> None:
    """A parent with two facets weighs as much as a column alone, and more only by its importance."""
    group = [Feature("a", "numeric", group="a"), Feature("a.x", "numeric", group="a"), Feature("b", "numeric")]
    assert weights(group, np.array([0, 0, 1, 2, 2])).tolist() == pytest.approx([1 / 8, 1 / 8, 1 / 4, 1 / 4, 1 / 4])


def test_of_a_parent_and_its_facets_one_watches_the_rows_without_a_value(tmp_path: Path) -> None:
    """What is missing in a column is missing in all its facets: that is told once."""
    write_reference(tmp_path / "reference.parquet")
    judge = load_judge(replace(plan_of(tmp_path), drift=CIRCULAR), tmp_path / "reference.parquet")
    assert judge.engine is not None
    features = {feature.name: feature for feature in judge.engine.features}
    watching = [features[name].missing for name in ("amount", "amount.cos", "amount.sin", "count")]
    assert watching == [True, False, False, True]


def test_a_facet_has_the_importance_and_tolerance_of_its_parent() -> None:
    """Unless it has settings of its own; a method is never handed down, since kinds differ."""
    drift = DriftSettings(columns={"a": ColumnDriftSettings(method="psi", importance=2, tolerance=0.1)})
    reference = compile_reference(reference_table(4), None, plan(CIRCULAR))
    of_parent = replace(reference.all_columns[-1], parent="a")
    assert drift.own(of_parent) == ColumnDriftSettings(importance=2, tolerance=0.1)
    assert of_parent.kind is Kind.NUMERIC


def test_learnt_rows_are_spread_evenly() -> None:
    """Every stretch of a long reference is learnt from."""
    places = sample(1000, 30)
    assert len(places) == 30
    assert {33, 34} >= set(np.diff(places).tolist())
