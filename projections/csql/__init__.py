"""CSQL, the query language of case lists (``rules/case-api-v2.md`` 6.3).

``parse`` makes a tree of values of a text, ``matches`` judges cases by it, and
``narrowed`` tells the database where to look.
"""

from __future__ import annotations

from projections.csql.errors import QueryError
from projections.csql.evaluate import Relations, matches
from projections.csql.nodes import Node
from projections.csql.parser import MAX_DEPTH, parse
from projections.lists.narrow import NOTHING, both, is_impossible, narrowed, necessary

__all__ = [
    "MAX_DEPTH",
    "NOTHING",
    "Node",
    "QueryError",
    "Relations",
    "both",
    "is_impossible",
    "matches",
    "narrowed",
    "necessary",
    "parse",
]
