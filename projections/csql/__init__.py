"""CSQL, the query language of case lists (``rules/case-api-v2.md`` 6.3).

``parse`` makes a tree of values of a text, and ``matches`` judges cases by it; where
the database is to look is said in ``projections/lists/narrow.py``.
"""

from __future__ import annotations

from projections.csql.errors import QueryError
from projections.csql.evaluate import Relations, matches
from projections.csql.nodes import Node
from projections.csql.parser import MAX_DEPTH, parse

__all__ = [
    "MAX_DEPTH",
    "Node",
    "QueryError",
    "Relations",
    "matches",
    "parse",
]
