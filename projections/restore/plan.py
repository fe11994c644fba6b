"""What a restore sends, decided in one snapshot before the first case is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ledger.directory.values import User
from ledger.restore.accounts import account_of
from ledger.restore.sync_logs import SyncLog, forms_since, get_sync_log
from ledger.restore.values import Account
from ledger.store import Reader
from projections.commit.histories import versions_at
from projections.restore.collect import changed_of, collect_cases, moved_of
from projections.restore.footprint import (
    Held,
    after_forms,
    footprint_text,
    graph_of,
    read_footprint,
)
from projections.restore.scope import Reason, live
from projections.restore.state_hash import PREFIX, state_hash


class Mismatch(NamedTuple):
    """A device has other cases than its sync log says: both hashes, without prefix.

    ``cases`` is how many the log knows.
    """

    log: SyncLog
    server: str
    phone: str
    cases: int


class NoSuchLog(Exception):
    """There is no sync log with an id."""


class LogOfAnother(Exception):
    """The sync log is that of another user."""

    def __init__(self, user_id: str) -> None:
        """Keep whose it is."""
        super().__init__(user_id)
        self.user_id = user_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose cases a user gets, and which are live with the reasons."""

    account: Account
    cases: Mapping[str, Held]
    reasons: Mapping[str, Reason]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is sent to a device that holds the cases ``known``.

    ``since`` is the log that it goes on from, ``position`` the one of the snapshot.
    With a ``mismatch`` it should begin anew.
    """

    scope: Scope
    position: int
    case_ids: Sequence[str]
    known: Collection[str] = frozenset()
    since: SyncLog | None = None
    mismatch: Mismatch | None = None

    @property
    def footprint(self) -> bytes:
        """Return what the new sync log keeps of the cases on the device."""
        held = {case_id: self.scope.cases[case_id] for case_id in self.scope.reasons}
        return footprint_text(held, self.scope.account.owner_ids)

    @property
    def dependent(self) -> int:
        """Return how many cases are there because of others only."""
        owners = frozenset(self.scope.account.owner_ids)
        cases = self.scope.cases
        return sum(cases[i].owner_id not in owners for i in self.scope.reasons)


def scope_of(r: Reader, user: User) -> Scope:
    """Return whose cases a user gets now (``rules/restore.md`` 3)."""
    account = account_of(r, user)
    owner_ids = account.owner_ids
    cases = collect_cases(r, owner_ids)
    reasons = live(graph_of(cases), frozenset(owner_ids))
    return Scope(account=account, cases=cases, reasons=reasons)


def full_restore(r: Reader, user: User) -> Plan:
    """Return what a device gets that holds nothing."""
    scope = scope_of(r, user)
    return Plan(scope=scope, position=r.head.position, case_ids=sorted(scope.reasons))


def incremental_restore(
    r: Reader, user: User, *, since: str, state: str | None
) -> Plan:
    """Return what is new for a device since a sync log (``rules/restore.md`` 5).

    ``state`` is the hash of the device without its prefix. Raises ``NoSuchLog`` or
    ``LogOfAnother``.
    """
    log = get_sync_log(r, since)
    if log is None:
        raise NoSuchLog(since)
    if log.user_id != user.user_id:
        raise LogOfAnother(log.user_id)
    own = forms_since(r, log)
    phone = _on_phone(r, log, own)
    expected = state_hash(phone)
    scope = scope_of(r, user)
    known = [i for i in phone if i in scope.cases]
    moved = {i for i in known if scope.cases[i].position > log.position}
    moved |= moved_of(r, phone.keys() - scope.cases.keys(), since=log.position)
    changed = changed_of(r, moved, since=log.position, own=frozenset(own))
    return Plan(
        scope=scope,
        position=r.head.position,
        case_ids=sorted((scope.reasons.keys() - phone.keys()) | changed),
        known=phone.keys(),
        since=log,
        mismatch=None
        if state in {None, expected}
        else Mismatch(log, expected, state or "", len(phone)),
    )


def prefixed(state: str) -> str:
    """Return a hash as it is sent."""
    return PREFIX + state


def _on_phone(r: Reader, log: SyncLog, own: Sequence[int]) -> Mapping[str, Held]:
    cases = read_footprint(log.plain_footprint, log.owner_ids)
    if not own:
        return cases
    versions = versions_at(r, own)
    return after_forms(
        cases, log.owner_ids, [versions[p] for p in own if p in versions]
    )
