"""Lists of forms: a page at any offset, and how many match (``rules/hq-forms.md`` 2).

Where the index tells what matches, a page is found by walking it from the end that is
nearer, or from where an earlier page ended. Conditions on what stands in the bytes are
tried form by form; what was found is kept as long as the log stays the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ledger import log
from ledger.forms.form_xml import named_case_ids
from ledger.store import Reader
from projections.forms.naming import forms_that_may_name
from projections.forms.sql import (
    BEGINNING,
    END,
    Key,
    Shape,
    count_statement,
    keys_statement,
)
from projections.forms.stored import forms_at, with_edits
from projections.forms.values import (
    ANYTIME,
    FormOrder,
    FormPage,
    FormQuestion,
    Span,
)
from projections.names import FORMS
from projections.rule.form_json import StoredForm, form_texts
from projections.rule.hashing import value_hash
from projections.rule.leaves import holds
from projections.rule.remembered import Remembered

_WINDOW = 200
"""Forms whose bytes are looked through at a time."""

_TOTALS: Remembered[int] = Remembered(1024)
_PLACES: Remembered[Key] = Remembered(1024)
"""Behind which form the page at an offset begins."""
_FOUND: Remembered[Sequence[int]] = Remembered(16)
"""The positions of the forms whose bytes meet a question, in order."""

_NOWHERE = Key(BEGINNING, BEGINNING)


def list_forms(r: Reader, asked: FormQuestion, *, limit: int, offset: int) -> FormPage:
    """Return the forms from an offset on, at most ``limit``, and how many match now.

    ``r`` sees one moment. Raises ``Damaged``.
    """
    if asked.hopeless:
        return FormPage((), 0)
    positions, total = _List(r, asked).page(limit=limit, offset=offset)
    found = forms_at(r, positions) if positions else {}
    forms = [found[position] for position in positions if position in found]
    if asked.xmlns is not None:
        # The index knows only its hash.
        forms = [form for form in forms if form.version.xmlns == asked.xmlns]
    return FormPage(tuple(with_edits(r, forms)), total)


class _List:
    """A question about the forms of a domain at one moment."""

    def __init__(self, r: Reader, asked: FormQuestion) -> None:
        self._r = r
        self._asked = asked
        self._known_as = (r.domain, r.head.digest)
        first, last = _positions(r, asked.indexed)
        self._params: dict[str, Any] = {
            "domain": r.domain,
            "first_position": first,
            "last_position": last,
            "first_received": _or(asked.received.first, BEGINNING),
            "last_received": _or(asked.received.last, END),
            "xmlns_key": value_hash(asked.xmlns or ""),
            "app_id": asked.app_id,
            "app_key": "app_id",
        }
        if asked.case_id is not None:
            self._params["form_ids"] = forms_that_may_name(r, asked.case_id)

    def page(self, *, limit: int, offset: int) -> tuple[Sequence[int], int]:
        """Return the positions of a page in order, and how many forms match in all."""
        if self._asked.leaves or self._asked.case_id is not None:
            found = self._found()
            return found[offset : offset + limit], len(found)
        total = self._total()
        many = min(limit, total - offset)
        if many <= 0:
            return (), total
        keys = self._keys_at(offset, many, total=total)
        if offset + many < total and keys:
            _PLACES.put((self._known_as, self._asked, offset + many), keys[-1])
        return [key.position for key in keys], total

    def _keys_at(self, offset: int, many: int, *, total: int) -> list[Key]:
        """Return so many keys from an offset on, passing over as few as can be."""
        descending = self._asked.descending
        behind = _PLACES.get((self._known_as, self._asked, offset))
        if behind is not None:
            return self._keys(many, behind=behind, descending=descending)
        beyond = total - offset - many
        if offset <= beyond:
            return self._keys(many, offset=offset, descending=descending)
        return self._keys(many, offset=beyond, descending=not descending)[::-1]

    def _keys(
        self,
        limit: int,
        *,
        descending: bool,
        offset: int = 0,
        behind: Key | None = None,
    ) -> list[Key]:
        """Return keys in order, those behind another one where one is given."""
        place = _NOWHERE if behind is None else behind
        params = {
            **self._params,
            "behind_position": place.position,
            "behind_received": place.received_on,
        }
        if behind is not None:
            params |= _behind(params, behind, self._asked.order, descending=descending)
        shape = self._shape(self._asked.order)
        statement = keys_statement(shape, descending=descending)
        rows = self._r.conn.rows(statement, limit=limit, offset=offset, **params)
        return [Key._make(row) for row in rows]

    def _total(self) -> int:
        asked = self._asked
        # It is the same in whatever order.
        key = self._known_as, replace(asked, order=FormOrder.INDEXED, descending=False)
        total = _TOTALS.get(key)
        if total is None:
            by_time = asked.received != ANYTIME and asked.indexed == ANYTIME
            shape = self._shape(FormOrder.RECEIVED if by_time else FormOrder.INDEXED)
            total = int(self._r.conn.value(count_statement(shape), **self._params))
            _TOTALS.put(key, total)
        return total

    def _shape(self, order: FormOrder) -> Shape:
        asked = self._asked
        other = asked.received if order is FormOrder.INDEXED else asked.indexed
        return Shape(
            generation=self._r.head.live[FORMS],
            order=order,
            archived=asked.include_archived,
            beside=other != ANYTIME or asked.case_id is not None,
            xmlns=asked.xmlns is not None,
            app_id=asked.app_id is not None,
            ids=asked.case_id is not None,
        )

    def _found(self) -> Sequence[int]:
        key = self._known_as, self._asked
        found = _FOUND.get(key)
        if found is None:
            found = array("q", self._walked())
            _FOUND.put(key, found)
        return found

    def _walked(self) -> Iterator[int]:
        """Yield the positions of all forms whose bytes meet the question, in order."""
        descending = self._asked.descending
        behind: Key | None = None
        while keys := self._keys(_WINDOW, behind=behind, descending=descending):
            forms = forms_at(self._r, [key.position for key in keys])
            for key in keys:
                form = forms.get(key.position)
                if form is not None and self._is_meant(form):
                    yield key.position
            behind = keys[-1]

    def _is_meant(self, form: StoredForm) -> bool:
        if form.body is None:
            return False
        case_id, leaves = self._asked.case_id, self._asked.leaves
        if case_id is not None and case_id not in named_case_ids(form.body):
            return False
        return not leaves or holds(form_texts(form.body), leaves)


def _positions(r: Reader, span: Span) -> tuple[int, int]:
    """Return the first and the last entry whose time is in a span."""
    first = 0 if span.first is None else log.position_at(r, span.first - 1) + 1
    return first, END if span.last is None else log.position_at(r, span.last)


def _or(bound: int | None, otherwise: int) -> int:
    return otherwise if bound is None else bound


def _behind(
    params: dict[str, Any], key: Key, order: FormOrder, *, descending: bool
) -> dict[str, int]:
    """Return the bounds of the forms that stand behind a key.

    Of those that came at the same time as its form, the statement tells which do.
    """
    at, step = (key.position, 1) if order is FormOrder.INDEXED else (key.received_on, 0)
    name = "position" if order is FormOrder.INDEXED else "received"
    if descending:
        return {f"last_{name}": min(params[f"last_{name}"], at - step)}
    return {f"first_{name}": max(params[f"first_{name}"], at + step)}
