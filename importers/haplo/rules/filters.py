"""Filters: what is done to a value before it is converted. Pure.

``rules/batch-imports.md`` 1.6.2. ``None`` is nothing: the value is not set, and nobody
is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from importers.haplo.rules.lookup import Lookup, Ref, preferred
from importers.haplo.rules.scripting import is_number, shown, text_of
from ledger.cases.case import Case

Filter: TypeAlias = Callable[[Any, Lookup, str], Any]
"""Takes a value, what can be looked up, and how messages name the source."""

_FIXABLE = re.compile("[a-zA-Z][a-zA-Z+./-]+")
_NO_BLANKS = re.compile(r"\S{1,255}")


class RecordAborted(Exception):
    """The record must not be applied; the text says why."""


def _to_lower_case(value: Any, _lookup: Lookup, _source: str) -> Any:
    return value.lower() if isinstance(value, str) else value


def _to_upper_case(value: Any, _lookup: Lookup, _source: str) -> Any:
    return value.upper() if isinstance(value, str) else value


def _to_string(value: Any, _lookup: Lookup, _source: str) -> Any:
    return value.id if isinstance(value, Ref) else text_of(value)


def _fix_up_url(value: Any, _lookup: Lookup, _source: str) -> Any:
    if not isinstance(value, str):
        return None
    bare = ":" not in value and _FIXABLE.fullmatch(value) is not None
    return f"https://{value}" if bare else value


def _string_to_ref(value: Any, _lookup: Lookup, _source: str) -> Any:
    if isinstance(value, Ref):
        return value
    good = isinstance(value, str) and _NO_BLANKS.fullmatch(value) is not None
    return Ref(value) if good else None


def _code_to_ref(value: Any, lookup: Lookup, _source: str) -> Any:
    if isinstance(value, Ref):
        return value
    found = _meant(value, lookup)
    return Ref(found[0].case_id) if len(found) == 1 else None


def _username_to_ref(value: Any, lookup: Lookup, _source: str) -> Any:
    user_id = lookup.user_id(value) if isinstance(value, str) else None
    return None if user_id is None else Ref(user_id)


def _external_id_to_ref(value: Any, lookup: Lookup, source: str) -> Any:
    if isinstance(value, Ref):
        return value
    found = _meant(value, lookup)
    if len(found) == 1:
        return Ref(found[0].case_id)
    many = "More than one" if found else "No"
    raise RecordAborted(f"{many} case with external_id {shown(value)} for {source}")


def _meant(value: Any, lookup: Lookup) -> Sequence[Case]:
    """Return the cases that an external id may mean; open ones go first."""
    if isinstance(value, str) or is_number(value):
        return preferred(lookup.by_external(text_of(value)))
    return ()


FILTERS: dict[str, Filter] = {
    "haplo:to-lower-case": _to_lower_case,
    "haplo:to-upper-case": _to_upper_case,
    "haplo:to-string": _to_string,
    "haplo:fix-up-url": _fix_up_url,
    "haplo:string-to-ref": _string_to_ref,
    "haplo:code-to-ref": _code_to_ref,
    "haplo:username-to-ref": _username_to_ref,
    "ledger:external-id-to-ref": _external_id_to_ref,
}

BY_USERNAME = "haplo:username-to-ref"
