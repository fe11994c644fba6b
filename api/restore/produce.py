"""The making of a restore in a thread: one snapshot, and one sync log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from api.restore.dialect import NotRestored
from api.restore.query import RestoreQuery
from api.restore.wire import END, HEAD_CHILDREN, head
from api.wire.device_case import CaseWriter
from api.wire.permissions import Principal
from api.wire.problems import Problem
from ledger.clock import now_micros
from ledger.directory.locations import those_within
from ledger.directory.users import find_user, get_user
from ledger.directory.values import NOWHERE, User
from ledger.directory.workplaces import workplaces_of
from ledger.forms.names import printable
from ledger.ids import new_sync_log_id
from ledger.restore.sync_logs import SyncLog, keep_sync_log, note_error, packed
from ledger.store import Reader, Store
from ledger.times import Micros
from projections.restore.cases import sent_cases
from projections.restore.plan import (
    LogOfAnother,
    Mismatch,
    NoSuchLog,
    Plan,
    full_restore,
    incremental_restore,
    prefixed,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is to be restored, for whom, and what is kept of how it was asked."""

    principal: Principal
    query: RestoreQuery
    auth_type: str
    app_id: str
    attachments: str
    """The address before the id of a case and the name of its file."""


def produce(store: Store, wish: Wish, write: Callable[[bytes], None]) -> None:
    """Write a restore and keep its sync log; raises a ``Problem`` before anything else.

    The log is kept when all cases are read, and the document ends behind that: a
    device knows no restore that was not kept.
    """
    started, sync_log_id = now_micros(), new_sync_log_id()
    domain = wish.principal.domain
    with store.snapshot(domain) as r:
        user = restored_user(r, wish.principal, wish.query)
        plan = _plan(r, user, wish.query)
        if plan.mismatch is None or wish.query.is_web_client:
            _write_document(r, plan, sync_log_id, wish, write)
    if plan.mismatch is not None:
        with store.administering() as conn:
            found = prefixed(plan.mismatch.phone)
            note_error(conn, plan.mismatch.log, found_hash=found, now=started)
        if not wish.query.is_web_client:
            raise _mismatched(plan.mismatch)
    log = _log(wish, user, plan, sync_log_id=sync_log_id, started=started)
    with store.administering() as conn:
        keep_sync_log(conn, log, used=plan.since)
    write(END)


def restored_user(r: Reader, principal: Principal, query: RestoreQuery) -> User:
    """Return whose cases are restored (``rules/restore.md`` 2.6); raises a ``Problem``.

    A worker restores as nobody else; a web user as anybody within reach.
    """
    asking = get_user(r, principal.user_id)
    if asking is None:
        raise Problem(404, "Could not find user")
    user = asking if query.as_user is None else find_user(r, query.as_user)
    if asking.is_worker and user != asking:
        # Said first, so that no worker learns which names there are.
        text = "does not have permission to edit commcare users"
        raise Problem(401, printable(f"{asking.username} {text}"))
    if user is None or not user.active:
        raise Problem(404, "Could not find user")
    if user != asking:
        _require_reach(r, asking, user)
    if query.user_id not in {None, asking.user_id, user.user_id}:
        raise NotRestored("Attempt to sync with invalid user.")
    return user


def _require_reach(r: Reader, asking: User, user: User) -> None:
    if asking.profile.access_all_locations:
        return
    work = workplaces_of(r, [asking.user_id, user.user_id])
    bounds = work.get(asking.user_id, NOWHERE).location_ids
    places = work.get(user.user_id, NOWHERE).location_ids
    if not those_within(r, places, bounds):
        text = f"Restore user {user.username} not in allowed locations"
        raise Problem(401, printable(text))


def _plan(r: Reader, user: User, query: RestoreQuery) -> Plan:
    if query.since is None:
        return full_restore(r, user)
    try:
        return incremental_restore(r, user, since=query.since, state=query.state)
    except NoSuchLog:
        raise NotRestored(f"There is no sync log {query.since}") from None
    except LogOfAnother as another:
        raise NotRestored(
            f"Sync log {query.since} does not match user id {user.user_id} "
            f"(was {another.user_id})"
        ) from None


def _mismatched(found: Mismatch) -> NotRestored:
    return NotRestored(
        f"Phone state hash mismatch. Server hash: {prefixed(found.server)}, "
        f"Phone hash: {prefixed(found.phone)}. # of cases: [{found.cases}]"
    )


def _write_document(
    r: Reader, plan: Plan, sync_log_id: str, wish: Wish, write: Callable[[bytes], None]
) -> None:
    fixtures = not wish.query.skips_fixtures
    items = HEAD_CHILDREN + fixtures + len(plan.case_ids)
    account = plan.scope.account
    told = items if wish.query.counts_items else None
    write(head(account, sync_log_id, items=told, fixtures=fixtures))
    cases = CaseWriter(
        known=plan.known, live=plan.scope.reasons, attachments=wish.attachments
    )
    for batch in sent_cases(r, plan.case_ids):
        write(cases.batch(batch))


def _log(
    wish: Wish, user: User, plan: Plan, *, sync_log_id: str, started: Micros
) -> SyncLog:
    owner_ids = plan.scope.account.owner_ids
    return SyncLog(
        domain=user.domain,
        sync_log_id=sync_log_id,
        user_id=user.user_id,
        request_user_id=wish.principal.user_id,
        auth_type=wish.auth_type,
        device_id=wish.query.device_id,
        app_id=wish.app_id,
        position=plan.position,
        created_on=started,
        duration=now_micros() - started,
        previous_id=None if plan.since is None else plan.since.sync_log_id,
        owner_ids_text=orjson.dumps(owner_ids).decode(),
        cases=len(plan.scope.reasons),
        dependent=plan.dependent,
        footprint=packed(plan.footprint),
    )
