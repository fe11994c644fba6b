"""Figures of two commits side by side."""

from __future__ import annotations

import math

import orjson
import pytest

from bench.against import as_table, compare, pairs, readings


def report(value, *, measure="CPU us each", database="sqlite"):
    figure = {"workload": "W1", "case": "c1", "measure": measure, "value": value}
    return orjson.dumps({"sections": [{"database": database, "figures": [figure]}]})


def test_the_median_of_the_ratios_counts():
    """A minute in which everything took twice as long says nothing."""
    ours = [readings(report(v)) for v in (10.0, 40.0, 11.0)]
    theirs = [readings(report(v)) for v in (20.0, 80.0, 20.0)]
    [found] = pairs(ours, theirs)
    assert found.key == ("sqlite", "W1", "c1", "CPU us each")
    assert (found.here, found.there, found.ratio) == (11.0, 20.0, 0.5)
    assert as_table([found]).splitlines()[1].split()[-3:] == ["11", "20", "0.50"]


def test_what_one_side_has_not_measured_is_left_out():
    """Workloads come and go; one that did nothing has no ratio."""
    ours = [readings(report(1.0)) | readings(report(1.0, measure="new"))]
    assert [p.key[3] for p in pairs(ours, [readings(report(2.0))])] == ["CPU us each"]
    [found] = pairs([readings(report(1.0))], [readings(report(0.0))])
    assert math.isnan(found.ratio)


def test_a_commit_that_is_none_is_named():
    """Before anything is measured."""
    with pytest.raises(RuntimeError, match="no such commit"):
        compare("no such commit", [], rounds=1)
