"""A restore on the wire: the document, piece by piece, as text. Pure.

Numbers of rules are those of ``rules/restore.md``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import orjson

from ledger.forms.case_text import (
    SLOT,
    Escape,
    action,
    element,
    escapes_of,
    leaf,
    slot,
)
from ledger.forms.form import CASE_NS
from ledger.forms.schemas import RESPONSE_NS
from ledger.forms.xml_text import as_attribute, as_text, is_plain
from ledger.restore.values import Account
from ledger.times import format_micros
from projections.restore.values import SentCase

CONTENT_TYPE: Final = "text/xml"
SYNC_NS: Final = "http://commcarehq.org/sync"
REGISTRATION_NS: Final = "http://openrosa.org/user/registration"
USER_GROUPS: Final = "user-groups"

NOBODY: Final = "-"
"""The owner of a case that has none and that nobody has changed (rule D-h)."""

_EXTENSION: Final = "extension"
_MOST_SHAPES: Final = 500
_LONGEST: Final = 10_000
_FIRST: Final = ("case_type", "case_name", "owner_id")
_TAKEN: Final = frozenset({*_FIRST, "external_id", "location_id", "date_opened"})
END: Final = b"</OpenRosaResponse>"


# -- the head ----------------------------------------------------------------


def answer(nature: str, text: str) -> bytes:
    """Return a document that is nothing but a message."""
    return f"{_root(None)}{_message(nature, text)}".encode() + END


def head(
    account: Account, restore_id: str, *, items: int | None, fixtures: bool
) -> bytes:
    """Return what stands before the cases; ``items`` is how many children there are.

    Rules 4.1 to 4.5.
    """
    name = account.short_name
    parts = [
        _root(items),
        _message("ota_restore_success", f"Successfully restored account {name}!"),
        _sync(restore_id),
        _registration(account),
    ]
    if fixtures:
        parts.append(f"\n{_user_groups(account)}")
    return "".join(parts).encode()


HEAD_CHILDREN: Final = 3
"""How many children of the root come before fixtures and cases."""


def _root(items: int | None) -> str:
    told = "" if items is None else f' items="{items}"'
    return f'<OpenRosaResponse xmlns="{RESPONSE_NS}"{told}>'


def _message(nature: str, text: str) -> str:
    return f'<message nature="{nature}">{as_text(text)}</message>'


def _sync(restore_id: str) -> str:
    inner = element("restore_id", (), as_text(restore_id))
    return "\n" + element("Sync", (f'xmlns="{SYNC_NS}"',), inner) + "\n"


def _registration(account: Account) -> str:
    joined = format_micros(account.created_on)[:10]
    data = "".join(
        f'<data key="{as_attribute(key)}">{as_text(value)}</data>'
        for key, value in sorted(account.data.items())
    )
    return (
        f'<Registration xmlns="{REGISTRATION_NS}">'
        f"<username>{as_text(account.short_name)}</username><password/>"
        f"<uuid>{as_text(account.user_id)}</uuid><date>{joined}</date>"
        f"<user_data>{data}</user_data></Registration>"
    )


def _user_groups(account: Account) -> str:
    groups = "".join(
        f'<group id="{as_attribute(group.group_id)}">'
        f"<name>{as_text(group.name)}</name></group>"
        for group in account.groups
    )
    whose = as_attribute(account.user_id)
    inner = element("groups", (), groups)
    return f'<fixture id="{USER_GROUPS}" user_id="{whose}">{inner}</fixture>'


# -- cases -------------------------------------------------------------------


class CaseWriter:
    """Writes cases for one device."""

    def __init__(
        self, *, known: Collection[str], live: Collection[str], attachments: str
    ) -> None:
        """Keep which cases the device holds, and which it is to hold afterwards.

        ``attachments`` is the address before the id of a case and a file's name.
        """
        self._known = known
        self._live = live
        self._attachments = attachments

    def batch(self, cases: Iterable[SentCase]) -> bytes:
        """Return the elements of some cases."""
        return "".join(["\n" + self._case(case) for case in cases]).encode()

    def _case(self, case: SentCase) -> str:
        extra: Mapping[str, Any] = orjson.loads(case.extra) if case.extra else {}
        names, values = _update_of(case, extra.get("location_id"))
        indices = self._indices(case, extra.get("cleared", ()))
        files = sorted(extra.get("attachments", ()))
        shape = _Shape(
            case.case_id in self._known,
            names,
            tuple([(name, extends) for name, _, extends, _ in indices]),
            tuple(files),
            bool(case.closed),
        )
        owner = case.owner_id or case.modified_by or NOBODY
        written = [
            case.case_id,
            case.modified_by,
            case.modified_on,
            case.case_type,
            case.case_name,
            owner,
            *values,
        ]
        for _, case_type, extends, target in indices:
            written += (
                (case_type, _EXTENSION, target) if extends else (case_type, target)
            )
        written += [self._source(case.case_id, name) for name in files]
        return _skeletons[shape].filled(written)

    def _indices(
        self, case: SentCase, cleared: Iterable[Sequence[str]]
    ) -> list[tuple[str, str, bool, str]]:
        """Return name, case type, whether it extends and target, by name (rule 4.8)."""
        if case.indices == "{}" and not cleared:
            return []
        found = {name: (kind, how == _EXTENSION, "") for name, kind, how in cleared}
        for name, index in orjson.loads(case.indices).items():
            target = index["case_id"]
            if target != case.case_id:
                shown = target if target in self._live else ""
                extends = index["relationship"] == _EXTENSION
                found[name] = (index["case_type"], extends, shown)
        return [(name, *found[name]) for name in sorted(found)]

    def _source(self, case_id: str, name: str) -> str:
        return f"{self._attachments}/{quote(case_id, safe='')}/{quote(name, safe='')}"


def _update_of(
    case: SentCase, location_id: str | None
) -> tuple[tuple[str, ...], list[str]]:
    """Return names and values of an update behind the first three (rule 4.7)."""
    names, values = [], []
    if case.external_id:
        names.append("external_id")
        values.append(case.external_id)
    if location_id:
        names.append("location_id")
        values.append(location_id)
    names.append("date_opened")
    values.append(case.opened_on[:10])
    properties = orjson.loads(case.properties)
    if not _TAKEN.isdisjoint(properties):
        properties = {n: v for n, v in properties.items() if n not in _TAKEN}
    # They are kept in the order of their names.
    names += properties
    values += properties.values()
    return tuple(names), values


class _Shape(NamedTuple):
    """What the text of a case depends on beside the values in it."""

    on_device: bool
    update: tuple[str, ...]
    indices: tuple[tuple[str, bool], ...]
    attachments: tuple[str, ...]
    closed: bool


class _Skeleton(NamedTuple):
    """The text of a case with a place for each value, and how these are written."""

    text: str
    escapes: tuple[Escape, ...]

    def filled(self, values: Sequence[str]) -> str:
        """Return the text with its values."""
        if not is_plain("".join(values)):
            pairs = zip(self.escapes, values, strict=True)
            values = [escape(value) for escape, value in pairs]
        return self.text % tuple(values)


class _Skeletons(dict[_Shape, _Skeleton]):
    """Skeletons by shape; bounded, since senders choose the names in them."""

    def __missing__(self, shape: _Shape) -> _Skeleton:
        """Make one."""
        made = _skeleton(shape)
        if len(made.text) <= _LONGEST:
            if len(self) >= _MOST_SHAPES:
                self.clear()
            self[shape] = made
        return made


_skeletons = _Skeletons()


def _skeleton(shape: _Shape) -> _Skeleton:
    first = [leaf(name, (), SLOT) for name in _FIRST]
    rest = [leaf(name, (), SLOT) for name in shape.update]
    inner = (
        action("create", [] if shape.on_device else first),
        action("update", [*first, *rest] if shape.on_device else rest),
        action("index", [_index(*found) for found in shape.indices]),
        action("attachment", [_attachment(name) for name in shape.attachments]),
        "<close/>" * shape.closed,
    )
    own = (f'xmlns="{CASE_NS}"', *map(slot, ("case_id", "user_id", "date_modified")))
    text = element("case", own, "".join(inner))
    return _Skeleton(text, escapes_of(text))


def _index(name: str, extends: bool) -> str:  # noqa: FBT001 - a part of a shape
    return leaf(name, ["case_type", *["relationship"] * extends], SLOT)


def _attachment(name: str) -> str:
    return leaf(name, ("src",), "").replace("/>", ' from="remote"/>')
