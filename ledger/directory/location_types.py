"""Location types: the levels of places, such as district and clinic."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, select

from ledger.clock import now_micros
from ledger.directory.texts import checked_text, slug
from ledger.directory.values import LocationType, LocationTypes
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.log import record_directory
from ledger.stated import put
from ledger.storage.connection import Statement
from ledger.store import Reader, Writer
from ledger.tables import location_types


def _where(*conditions: Any) -> Select[Any]:
    return select(*location_types.c).where(
        location_types.c.domain == bindparam("domain"), *conditions
    )


_ALL = Statement(_where().order_by(location_types.c.type_id))
_BY_CODE = Statement(_where(location_types.c.code == bindparam("code")))


def list_types(r: Reader) -> list[LocationType]:
    """Return the types of the domain in the order in which they were made."""
    return [LocationType(*row) for row in r.conn.rows(_ALL, domain=r.domain)]


def types_of(r: Reader) -> LocationTypes:
    """Return the types of the domain to be looked up."""
    return LocationTypes(list_types(r))


def find_type(r: Reader, code: str) -> LocationType | None:
    """Return the type with this code; served by ``ix_location_types_code``."""
    row = r.conn.row(_BY_CODE, domain=r.domain, code=code)
    return None if row is None else LocationType(*row)


def create_type(
    w: Writer,
    name: str,
    *,
    author: Author,
    code: str | None = None,
    parent: LocationType | None = None,
    administrative: bool = True,
    shares_cases: bool = False,
    view_descendants: bool = False,
) -> LocationType:
    """Add a type below another one, or at the top.

    Without a code it gets the slug of its name. Raises ``Conflict`` for a name or a
    code that is taken (``rules/hq-apis.md`` 10.1).
    """
    now = now_micros()
    made = LocationType(
        w.domain,
        max((found.type_id for found in list_types(w)), default=0) + 1,
        slug(name, default="type") if code is None else code,
        checked_text("name", name),
        None if parent is None else parent.type_id,
        int(administrative),
        int(shares_cases),
        int(view_descendants),
        now,
        now,
    )
    _check(w, made)
    put(w, location_types, [made])
    record_directory(
        w, "location type created", _told(made), user_id=author.user_id, now=now
    )
    return made


def update_type(w: Writer, changed: LocationType, *, author: Author) -> LocationType:
    """Replace a type's name and what places of it may do; raises ``Conflict``.

    Its code and its place among the types stay: locations stand by them.
    """
    before = types_of(w).by_id[changed.type_id]
    after = changed._replace(
        code=before.code,
        parent_id=before.parent_id,
        name=checked_text("name", changed.name),
        changed_on=before.changed_on,
    )
    if after == before:
        return before
    _check(w, after)
    now = now_micros()
    put(w, location_types, [after._replace(changed_on=now)])
    record_directory(
        w, "location type changed", _told(after), user_id=author.user_id, now=now
    )
    return after._replace(changed_on=now)


def _check(w: Writer, wanted: LocationType) -> None:
    if not wanted.name:
        raise Conflict("Name is required", field="name")
    if slug(wanted.code, default="") != wanted.code:
        raise Conflict(
            "'code' must be lower-case letters, digits, '-' and '_'", field="code"
        )
    for other in list_types(w):
        if other.type_id == wanted.type_id:
            continue
        if other.code == wanted.code:
            text = f"A location type with code {wanted.code} already exists"
            raise Conflict(text, field="code")
        if other.name == wanted.name:
            text = f"A location type with name {wanted.name} already exists"
            raise Conflict(text, field="name")


def _told(found: LocationType) -> dict[str, Any]:
    """Return what the log is told of a type."""
    return {
        "location_type": found.type_id,
        "code": found.code,
        "name": found.name,
        "parent": found.parent_id,
        "administrative": bool(found.administrative),
        "shares_cases": bool(found.shares_cases),
        "view_descendants": bool(found.view_descendants),
    }
