"""What a name in a control file sets in a case. Pure.

``rules/batch-imports.md`` 1.8.2.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from ledger.forms.names import is_name

LONGEST = 255
"""How long case name, external id and owner id may be (rule R0.8)."""

TITLE = "dc:attribute:title"

_PROPERTY = re.compile(r"(?!xml)[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)
_LONGEST_NAME = 255
_TAKEN = frozenset(
    {
        "case_id",
        "case_type",
        "name",
        "date_opened",
        "date_modified",
        "user_id",
        "hq_user_id",
        "location_id",
        "supply_point_location_id",
        # As properties these would set what only the bare names may set.
        "case_name",
        "external_id",
        "owner_id",
    }
)


class Part(StrEnum):
    """The part of a case that a name sets."""

    CASE_NAME = "case_name"
    EXTERNAL_ID = "external_id"
    OWNER_ID = "owner_id"
    CLOSE = "close"
    INDEX = "index"
    PROPERTY = "property"


class Slot(NamedTuple):
    """A place for values in a case; ``name`` tells indices and properties apart."""

    part: Part
    name: str = ""


CASE_NAME = Slot(Part.CASE_NAME)
EXTERNAL_ID = Slot(Part.EXTERNAL_ID)
OWNER_ID = Slot(Part.OWNER_ID)
CLOSE = Slot(Part.CLOSE)

_FIXED = {
    "case_name": CASE_NAME,
    TITLE: CASE_NAME,
    "external_id": EXTERNAL_ID,
    "owner_id": OWNER_ID,
    "close": CLOSE,
}


@lru_cache(maxsize=4096)
def slot_of(name: str) -> Slot | None:
    """Return what a name sets, ``None`` for one that is unknown."""
    if name in _FIXED:
        return _FIXED[name]
    kind, colon, rest = name.partition(":")
    if colon and kind == "index":
        return Slot(Part.INDEX, rest) if is_index_name(rest) else None
    if colon and kind == "property":
        return _property(rest)
    return _property(_last_segment(name) if colon else name)


def qualified(slot: Slot, qualifier: str) -> Slot | None:
    """Return the property of a name with a qualifier, ``None`` if there cannot be one.

    It is the property's name, ``_`` and the last segment of the qualifier's code.
    """
    if slot.part in {Part.INDEX, Part.CLOSE}:
        return None
    name = slot.name or slot.part.value
    return _property(f"{name}_{_last_segment(qualifier)}")


def is_index_name(text: str) -> bool:
    """Tell whether a text may name an index."""
    return is_name(text) and len(text) <= _LONGEST_NAME


def _property(name: str) -> Slot | None:
    good = _PROPERTY.fullmatch(name) is not None and len(name) <= _LONGEST_NAME
    return Slot(Part.PROPERTY, name) if good and name not in _TAKEN else None


def _last_segment(code: str) -> str:
    return code.rpartition(":")[2].replace("-", "_")
