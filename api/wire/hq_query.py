"""The query strings of HQ's lists and objects (``rules/hq-frame.md`` 1.8). Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import timedelta
from typing import NamedTuple

from api.wire.credentials import API_KEY, USERNAME
from api.wire.list_v0_5 import MOST_LIMIT, Meta, Page, meta_of, page_of
from api.wire.parameters import pairs, parse_moment
from api.wire.problems import at_fault, unknown_parameter
from ledger.forms.names import printable
from ledger.times import Micros, parse_date

NO_FILTERS = frozenset({"format", USERNAME, API_KEY, "callback", "_"})
"""What may stand in any query string and asks for nothing."""

_PAGED = frozenset({"limit", "offset"})
_DAY: Micros = timedelta(days=1) // timedelta(microseconds=1)
_TRUE = frozenset({"true", "1", "yes"})
_FALSE = frozenset({"false", "0", "no"})


class Order(NamedTuple):
    """One field that a list is sorted by."""

    field: str
    descending: bool = False


class HqQuery:
    """The parameters of a request; the last of several with one name wins."""

    def __init__(self, query: str) -> None:
        """Read a query string; nothing in it is refused yet."""
        self.pairs = pairs(query)
        self._given = dict(self.pairs)

    def text(self, name: str) -> str | None:
        """Return a text as it was given."""
        return self._given.get(name)

    def page(self, *, most: int = MOST_LIMIT) -> Page:
        """Return the page that is asked for; raises a 400 in HQ's words."""
        return page_of(self._given, most=most)

    def meta(self, page: Page, *, total: int) -> Meta:
        """Return what the envelope of a page says."""
        return meta_of(self.pairs, page, total=total)

    def is_on(self, name: str) -> bool:
        """Tell whether an extra is switched on: only ``true`` does that."""
        return self._given.get(name, "").lower() == "true"

    def says_yes(self, name: str) -> bool:
        """Tell whether a switch says yes; what means nothing says no."""
        return self._given.get(name, "").lower() in _TRUE

    def flag(self, name: str) -> bool | None:
        """Return yes or no, nothing where it is not given; raises a 400."""
        text = self._given.get(name)
        if text is None:
            return None
        word = text.strip().lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
        raise at_fault(
            name, f"'{printable(text)}' is not a valid value for '{name}': true, false"
        )

    def moment(self, name: str) -> Micros | None:
        """Return a bound of a range; a bare date as ``…_end`` has its whole day.

        Raises a 400 ``Problem`` for what is no time (rule 1.9).
        """
        text = self._given.get(name)
        if text is None:
            return None
        found = parse_moment(name, text)
        return found + _DAY - 1 if name.endswith("_end") and _is_date(text) else found

    def order(
        self, sortable: Collection[str], *, known: Collection[str] = ()
    ) -> list[Order]:
        """Return what to sort by, the strongest first; raises a 400 in HQ's words.

        ``known`` are the keys of an object that may not be sorted by.
        """
        orders = []
        for name, value in self.pairs:
            if name == "order_by":
                found = Order(value.removeprefix("-"), value.startswith("-"))
                _require_sortable(found.field, sortable, known)
                orders.append(found)
        return orders

    def require_known(self, names: Iterable[str], *, paged: bool = True) -> None:
        """Raise a 400 for a parameter that is not one of these (rule 1.8)."""
        known = NO_FILTERS.union(names, _PAGED if paged else ())
        for name in self._given:
            if name not in known:
                raise unknown_parameter(printable(name))


def _require_sortable(
    field: str, sortable: Collection[str], known: Collection[str]
) -> None:
    if field in sortable:
        return
    shown = printable(field)
    if field in known:
        raise at_fault("order_by", f"The '{shown}' field does not allow ordering.")
    raise at_fault("order_by", f"No matching '{shown}' field for ordering on.")


def _is_date(text: str) -> bool:
    try:
        parse_date(text)
    except ValueError:
        return False
    return True
