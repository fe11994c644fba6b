"""From changes to case blocks: which case each change means. Pure.

Runs while the domain is locked, so that what was looked up stays true until the form
is appended, and no two upserts can make the same case (``rules/case-api-v2.md`` 5.3).

An external id is sought, from the row that names it, among three: first the cases that
hold it after the rows so far, then those that a later row gives it to, then the cases
of the domain. So a row sees what earlier rows changed, and may also point ahead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ledger.cases.case import Case
from ledger.cases.change import CaseChange, IndexRef, Intent
from ledger.errors import Conflict
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.forms.names import printable
from ledger.times import Instant

_SPECIAL = ("case_type", "case_name", "owner_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The ids that must be looked up before changes can be resolved."""

    case_ids: frozenset[str]
    external_ids: frozenset[str]


class Lookup(Protocol):
    """The cases of the domain that ``wanted`` asked for, as of the lock."""

    def case(self, case_id: str) -> Case | None:
        """Return the case of this domain with an id, also when it is deleted."""

    def by_external(self, external_id: str) -> Sequence[Case]:
        """Return the cases of this domain that hold an external id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Resolved changes; every tuple has one item per row, in row order."""

    blocks: tuple[CaseBlock, ...]
    case_ids: tuple[str, ...]
    created: tuple[bool, ...]


def wanted(changes: Iterable[CaseChange]) -> Wanted:
    """Return every id that ``resolve`` will look up.

    Targets of indices are no part of it when they are named by ``case_id``: the form
    is refused later if they do not exist (``rules/case-api-v2.md`` 5.5).
    """
    case_ids: set[str] = set()
    external_ids: set[str] = set()
    for change in changes:
        if change.intent is not Intent.CREATE:
            case_ids.update(filter(None, (change.case_id,)))
            external_ids.update(filter(None, (change.selector, change.external_id)))
        refs = change.indices.values()
        external_ids.update(ref.external_id for ref in refs if ref.external_id)
    return Wanted(case_ids=frozenset(case_ids), external_ids=frozenset(external_ids))


def resolve(
    changes: Sequence[CaseChange],
    lookup: Lookup,
    *,
    new_id: Callable[[], str],
    now: Instant,
    user_id: str,
) -> Resolution:
    """Return one case block per change, in order.

    Raises ``Conflict`` with the first problem and its row and field
    (``rules/case-api-v2.md`` 5.2, 5.3 and 5.5).
    """
    chooser = _Chooser(changes, lookup, new_id)
    rows = [chooser.row(change, place) for place, change in enumerate(changes)]
    blocks = _blocks(rows, _Targets(rows, lookup), now=now, user_id=user_id)
    return Resolution(
        blocks=tuple(blocks),
        case_ids=tuple(row.case_id for row in rows),
        created=tuple(row.creates for row in rows),
    )


def missing_fields(change: CaseChange) -> tuple[str, ...]:
    """Return the fields that a change lacks for making a case (rule 5.1)."""
    return tuple(name for name in _SPECIAL if getattr(change, name) is None)


class _Row(NamedTuple):
    """A change whose case is known, and the external id that it gives this case."""

    change: CaseChange
    case_id: str
    external_id: str | None
    creates: bool


_Claim = tuple[str, str | None]
"""A case id and the external id that a row gives to this case; ``None`` for none."""


class _ExternalIds:
    """Who holds which external id while the rows of a request are passed in order.

    Many requests never ask, so what was given is noted and looked at when one does.
    """

    def __init__(self, claims: Sequence[_Claim | None], lookup: Lookup) -> None:
        """Start before the first row; a claim is ``None`` while its case is open."""
        self._lookup = lookup
        self._claims = claims
        self._given: list[tuple[str, str]] = []
        self._holds: dict[str, str] = {}
        self._holders: dict[str, dict[str, None]] = {}
        self._later: dict[str, list[tuple[int, str]]] = {}

    def give(self, case_id: str, external_id: str | None) -> None:
        """Let a case hold an external id from here on; ``None`` changes nothing."""
        if external_id is not None:
            self._given.append((case_id, external_id))

    def find(self, external_id: str, place: int) -> tuple[str, ...]:
        """Return the cases that an external id means to the row at a place."""
        if not external_id:
            return ()
        self._look()
        held = tuple(self._holders.get(external_id, ()))
        if held:
            return held
        later = self._later.get(external_id, ())
        ahead = dict.fromkeys(case_id for at, case_id in later if at > place)
        return tuple(ahead) or self._in_domain(external_id)

    def _look(self) -> None:
        """Take in what was claimed, and what was given since the last time."""
        for place, claim in enumerate(self._claims):
            if claim is not None and claim[1]:
                self._later.setdefault(claim[1], []).append((place, claim[0]))
        self._claims = ()
        for case_id, external_id in self._given:
            self._holders.get(self._holds.get(case_id, ""), {}).pop(case_id, None)
            self._holds[case_id] = external_id
            self._holders.setdefault(external_id, {})[case_id] = None
        self._given.clear()

    def _in_domain(self, external_id: str) -> tuple[str, ...]:
        live = (
            case
            for case in self._lookup.by_external(external_id)
            if case.deleted_on is None and case.case_id not in self._holds
        )
        return tuple(
            case.case_id
            for case in sorted(live, key=lambda case: (case.opened_on, case.case_id))
        )


class _Chooser:
    """Chooses the case of each row, in order (``rules/case-api-v2.md`` 5.2)."""

    def __init__(
        self, changes: Sequence[CaseChange], lookup: Lookup, new_id: Callable[[], str]
    ) -> None:
        """Give the explicit creates their ids, so that earlier rows may mean them."""
        self._claims = [_explicit_claim(change, new_id) for change in changes]
        self._names = _ExternalIds(self._claims, lookup)
        self._lookup = lookup
        self._new_id = new_id

    def row(self, change: CaseChange, place: int) -> _Row:
        """Return a change with its case; raises ``Conflict``."""
        row = self._chosen(change, place)
        self._names.give(row.case_id, row.external_id)
        return row

    def _chosen(self, change: CaseChange, place: int) -> _Row:
        claim = self._claims[place]
        if claim is not None:
            if change.intent is not Intent.CREATE:
                self._require_case(change, claim[0])
            case_id, external_id = claim
            return _Row(change, case_id, external_id, change.intent is Intent.CREATE)
        if change.intent is Intent.PUT_EXTERNAL:
            return self._put_external(change, place)
        sought = change.external_id or ""
        found = self._names.find(sought, place)
        if not found and change.intent is not Intent.UPDATE:
            _require_complete(change)
            return self._new(change, sought)
        case_id = _only(found, sought, row=change.row, field="external_id")
        return _updated(change, case_id)

    def _require_case(self, change: CaseChange, case_id: str) -> None:
        case = self._lookup.case(case_id)
        if case is None or case.deleted_on is not None:
            text = f"No case found with ID '{printable(case_id)}'"
            raise Conflict(text, row=change.row, field="case_id")

    def _put_external(self, change: CaseChange, place: int) -> _Row:
        selector = change.selector or ""
        shown = printable(selector)
        found = self._names.find(selector, place)
        if not found:
            _require_new(change)
            return self._new(change, change.external_id or selector)
        if len(found) > 1:
            listed = ", ".join(found)
            text = f"Multiple cases found with external_id '{shown}': {listed}"
            raise Conflict(text, row=change.row, field="external_id")
        if change.case_id not in {None, found[0]}:
            text = (
                'The given value of "case_id" does not match the existing value for '
                f'the case identified by external_id = "{shown}". "case_id" is '
                "read-only and cannot be modified."
            )
            raise Conflict(text, row=change.row, field="case_id")
        return _updated(change, found[0])

    def _new(self, change: CaseChange, external_id: str) -> _Row:
        return _Row(
            change=change,
            case_id=self._new_id(),
            external_id=external_id,
            creates=True,
        )


class _Targets:
    """Finds the cases that indices point at, in this request or in the domain."""

    def __init__(self, rows: Sequence[_Row], lookup: Lookup) -> None:
        """Know every row's case, so that a row may point at a later one."""
        claims = [(row.case_id, row.external_id) for row in rows]
        self.names = _ExternalIds(claims, lookup)
        self._temporary = {
            row.change.temporary_id: row.case_id
            for row in rows
            if row.change.temporary_id is not None
        }

    def find(self, ref: IndexRef, place: int, *, row: int, name: str) -> str:
        """Return the case id that an index gets; empty removes it (rule 5.5)."""
        if ref.temporary_id:
            target = self._temporary.get(ref.temporary_id)
            if target is None:
                shown = printable(ref.temporary_id)
                text = f"Could not find a case with temporary_id '{shown}'"
                raise Conflict(text, row=row, field=f"indices.{name}.temporary_id")
            return target
        if ref.external_id:
            found = self.names.find(ref.external_id, place)
            field = f"indices.{name}.external_id"
            return _only(found, ref.external_id, row=row, field=field)
        return ref.case_id or ""


def _explicit_claim(change: CaseChange, new_id: Callable[[], str]) -> _Claim | None:
    if change.intent is Intent.CREATE:
        return new_id(), change.external_id
    if change.intent is not Intent.PUT_EXTERNAL and change.case_id is not None:
        return change.case_id, change.external_id
    return None


def _updated(change: CaseChange, case_id: str) -> _Row:
    return _Row(
        change=change,
        case_id=case_id,
        external_id=change.external_id,
        creates=False,
    )


def _only(found: Sequence[str], external_id: str, *, row: int, field: str) -> str:
    shown = printable(external_id)
    if not found:
        text = f"Could not find a case with external_id '{shown}'"
        raise Conflict(text, row=row, field=field)
    if len(found) > 1:
        text = f"There are multiple cases with external_id {shown}"
        raise Conflict(text, row=row, field=field)
    return found[0]


def _require_complete(change: CaseChange) -> None:
    missing = missing_fields(change)
    if not missing:
        return
    if change.intent is Intent.PUT:
        # Rule D5: an incomplete body can only have meant an update.
        _only((), change.external_id or "", row=change.row, field="external_id")
    names, shown = ", ".join(missing), printable(change.external_id or "")
    text = f"{names} required for new case {shown}"
    raise Conflict(text, row=change.row, field=missing[0])


def _require_new(change: CaseChange) -> None:
    if change.case_id is not None:
        text = "You cannot specify case_id when creating a new case"
        raise Conflict(text, row=change.row, field="case_id")
    missing = missing_fields(change)
    if missing:
        text = f"Property {missing[0]} is required."
        raise Conflict(text, row=change.row, field=missing[0])


def _blocks(
    rows: Sequence[_Row], targets: _Targets, *, now: Instant, user_id: str
) -> Iterator[CaseBlock]:
    # The fold applies the blocks of a case by what they do, creates first and mere
    # index changes late, but here the last row wins. So the first block of a new case
    # carries its create element, whichever row asked for it, and only the last row that
    # sets an index writes it.
    makers = {row.case_id: row for row in rows if row.creates}
    last = {(row.case_id, name): row for row in rows for name in row.change.indices}
    for place, row in enumerate(rows):
        targets.names.give(row.case_id, row.external_id)
        maker = makers.pop(row.case_id, None)
        indices: tuple[IndexUpdate, ...] = ()
        if row.change.indices:
            found = _indices(row, targets, place)
            indices = tuple([i for i in found if last[row.case_id, i.name] is row])
        yield CaseBlock(
            row.case_id,
            user_id,
            now,
            None if maker is None else _create(maker.change),
            _update(row, names=() if row is maker else _SPECIAL),
            indices,
            row.change.close,
        )


def _create(change: CaseChange) -> dict[str, str]:
    return {
        "case_type": change.case_type or "",
        "case_name": change.case_name or "",
        "owner_id": change.owner_id or "",
    }


def _update(row: _Row, *, names: Sequence[str]) -> dict[str, str] | None:
    """Return the update of a block in the order of rule 8.3, ``None`` if empty."""
    update: dict[str, str] = {}
    for name in names:
        value = getattr(row.change, name)
        if value is not None:
            update[name] = value
    if row.external_id is not None:
        update["external_id"] = row.external_id
    update.update(sorted(row.change.properties.items()))
    return update or None


def _indices(row: _Row, targets: _Targets, place: int) -> Iterator[IndexUpdate]:
    """Yield every index of a row; raises ``Conflict`` for an unknown target."""
    for name, ref in row.change.indices.items():
        yield IndexUpdate(
            name,
            targets.find(ref, place, row=row.change.row, name=name),
            ref.case_type or "",
            ref.relationship or "child",
        )
