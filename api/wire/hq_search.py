"""The two queries that lists take as ``_search`` (``rules/hq-forms.md`` 2.5). Pure.

HQ takes no other ones either: they are what its own export tool sends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from api.wire.json_bytes import parse_json
from api.wire.parameters import parse_moment
from api.wire.problems import Problem, at_fault
from ledger.times import Micros

SEARCH: Final = "_search"

_MISSING: Final = {
    "missing": {
        "field": "server_modified_on",
        "null_value": True,
        "existence": True,
    }
}
_Bound = Callable[[Micros], tuple[Micros | None, Micros | None]]
_BOUNDS: Final[Mapping[str, _Bound]] = {
    "gt": lambda when: (when + 1, None),
    "gte": lambda when: (when, None),
    "lt": lambda when: (None, when - 1),
    "lte": lambda when: (None, when),
}
_OF_MODIFIED: Final = ("gte", "lte")


class SearchedTimes(NamedTuple):
    """Times from one to another, both included, of ``indexed_on`` or another key."""

    key: str
    first: Micros | None
    last: Micros | None


def searched_times(text: str) -> SearchedTimes:
    """Return what a query asks for; raises a 400 ``Problem`` for any other."""
    try:
        wish = parse_json(text.encode("utf-8", "surrogateescape"))
    except ValueError:
        raise _unknown() from None
    try:
        return _inserted(wish) if "range" in wish["filter"] else _modified(wish)
    except (KeyError, IndexError, TypeError):
        raise _unknown() from None


def _inserted(wish: Any) -> SearchedTimes:
    given = wish["filter"]["range"]["inserted_at"]
    if wish != {"filter": {"range": {"inserted_at": given}}}:
        raise _unknown()
    return _between("indexed_on", given, known=_BOUNDS)


def _modified(wish: Any) -> SearchedTimes:
    """Return what is asked of ``server_modified_on``, which every form here has."""
    has, has_not = (one["and"] for one in wish["filter"]["or"])
    given = has[1]["range"]["server_modified_on"]
    instead = has_not[1]["range"]["received_on"]
    expected = [
        {"and": [{"not": _MISSING}, {"range": {"server_modified_on": given}}]},
        {"and": [_MISSING, {"range": {"received_on": instead}}]},
    ]
    if wish != {"filter": {"or": expected}}:
        raise _unknown()
    _between("received_on", instead, known=_OF_MODIFIED)
    return _between("server_modified_on", given, known=_OF_MODIFIED)


def _between(key: str, given: Any, *, known: Any) -> SearchedTimes:
    """Return the times between the bounds of a range."""
    if not isinstance(given, dict) or not given:
        raise _unknown()
    firsts, lasts = [], []
    for operator, text in given.items():
        if operator not in known or not isinstance(text, str):
            raise _unknown()
        first, last = _BOUNDS[operator](parse_moment(SEARCH, text))
        firsts += [] if first is None else [first]
        lasts += [] if last is None else [last]
    return SearchedTimes(key, max(firsts, default=None), min(lasts, default=None))


def _unknown() -> Problem:
    return at_fault(
        SEARCH,
        f"The '{SEARCH}' parameter must be one of the queries that are known here: a "
        "range of 'inserted_at', or one of 'server_modified_on' with 'received_on' in "
        "its place where it is missing",
    )
