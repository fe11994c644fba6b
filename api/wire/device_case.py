"""A case as a device is told of it, as text (``rules/restore.md`` 4). Pure."""

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
from ledger.forms.xml_text import is_plain
from projections.restore.values import SentCase

NOBODY: Final = "-"
"""The owner of a case that has none and that nobody has changed (rule D-h)."""

_EXTENSION: Final = "extension"
_MOST_SHAPES: Final = 500
_LONGEST: Final = 10_000
_FIRST: Final = ("case_type", "case_name", "owner_id")
_TAKEN: Final = frozenset({*_FIRST, "external_id", "location_id", "date_opened"})


class CaseWriter:
    """Writes cases for one device."""

    def __init__(
        self,
        *,
        attachments: str,
        known: Collection[str] = (),
        live: Collection[str] | None = None,
    ) -> None:
        """Keep which cases the device holds, and which it is to hold afterwards.

        Without ``live`` it is to hold all. ``attachments`` is the address before the id
        of a case and a file's name.
        """
        self._known = known
        self._live = live
        self._attachments = attachments

    def batch(self, cases: Iterable[SentCase]) -> bytes:
        """Return the elements of some cases."""
        return "".join(["\n" + self.element(case) for case in cases]).encode()

    def element(self, case: SentCase) -> str:
        """Return the element of a case."""
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
                shown = target if self._live is None or target in self._live else ""
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
