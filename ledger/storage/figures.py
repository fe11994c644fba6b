"""Figures for a planner that nobody gathered: one domain, a million rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_ROWS = 1_000_000
_PARTIAL = 50_000
_SHARED = {
    "case_type": 250_000,
    "state": 1_000,
    "name_id": 900_000,
    "owner_id": 2_000,
    "value": 1_000,
    "target_id": 4,
    "name": 4,
    "case_id": 4,
    "external_id": 1,
    "form_id": 1,
    "position": 1,
    "indexed_on": 1,
    "received_on": 1,
    "server_modified_on": 1,
}
"""How many rows of a large domain share a value of a column."""


def figures(columns: Sequence[Any]) -> str:
    """Return rows in all, then rows that share each longer prefix of an index."""
    shared = [_ROWS]
    for column in columns:
        shared.append(min(shared[-1], _SHARED.get(column.name, _ROWS)))
    shared[-1] = 1
    return " ".join(map(str, shared))


def partial_figures(columns: Sequence[Any]) -> str:
    """Return the same for an index that few rows are in."""
    rest = " ".join(str(_PARTIAL) for _ in columns[1:])
    return f"{_PARTIAL} {rest} 1"
