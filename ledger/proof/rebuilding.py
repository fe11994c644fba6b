"""The directory rebuilt from the log, but for lost secrets, or stated anew in it.

A secret that a row still has is kept if it fits its seal. Where it does not, the user
has no password, the key fits nothing, and the webhook rests until somebody gives it an
address and a secret.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select, update

from ledger.clock import now_micros
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.log import record_directory
from ledger.proof.directory import directory_differences, fold_of, restate
from ledger.stated import STATED, Fold, Key, Row, Stated, drop, fits, put, state_row
from ledger.storage.connection import Statement
from ledger.store import Store, Writer
from ledger.tables import api_keys, domains, users

_KEY_BYTES = 32
_GROWN = "the log has grown meanwhile: run it again"
_LOST = "its address or secret was lost: set both anew"
_LOST_JOB = "how far it was is lost: look at its forms before you retry it"
_REST: Mapping[str, Mapping[str, Any]] = {
    "webhooks": {"due_on": None, "lease_owner": None, "lease_until": 0},
    "jobs": {
        "state": "failed",
        "progress": "{}",
        "problem": _LOST_JOB,
        "attempts": 0,
        "cancel_asked": 0,
    },
}
"""What a row has in the columns that are not stated when it comes back."""

_ROWS = {
    name: Statement(
        select(*stated.table.columns).where(
            stated.table.c.domain == bindparam("domain")
        )
    )
    for name, stated in STATED.items()
}
_SET_DOMAIN = Statement(
    update(domains)
    .where(domains.c.domain == bindparam("d"))
    .values(settings=bindparam("settings"), created_on=bindparam("created_on"))
)


def rebuild_directory(store: Store, domain: str, *, author: Author) -> dict[str, int]:
    """Make the directory of a domain what the log states; tell how many rows changed.

    Raises ``Conflict`` when an older release wrote the log, which does not state all,
    and when somebody changed the directory meanwhile; ``NotFound`` for the domain.
    """
    with store.snapshot(domain) as r:
        fold = fold_of(r)
        wrong = list(directory_differences(r, fold, {}, {}))
        seen = r.head.digest
    if not fold.whole:
        raise Conflict(
            "the log does not state the whole directory, as an older release wrote "
            "it: look through what is there, then run caseledger domain restate"
        )
    changed = {(found.table, found.key) for found in wrong}
    if not changed:
        return {}
    counted: dict[str, int] = {}
    with store.writing(domain) as w:
        if w.head.digest != seen:
            raise Conflict(_GROWN)
        for name, stated in STATED.items():
            keys = {key for table, key in changed if table == name}
            if keys:
                counted[name] = len(keys)
                _mend(w, stated, keys, fold)
        record_directory(
            w,
            "directory rebuilt",
            {"rows": counted},
            user_id=author.user_id,
            now=now_micros(),
        )
    return counted


def restate_directory(store: Store, domain: str, *, author: Author) -> dict[str, int]:
    """Have the log state the directory as it is; tell how many rows of each table.

    Raises ``Conflict`` when it is not what the log states already, and when the log
    has grown meanwhile; ``NotFound`` for the domain.
    """
    with store.snapshot(domain) as r:
        wrong = next(directory_differences(r, fold_of(r), {}, {}), None)
        seen = r.head.digest
    if wrong is not None:
        text = f"{wrong}: run caseledger verify, and mend that first"
        raise Conflict(text)
    with store.writing(domain) as w:
        if w.head.digest != seen:
            raise Conflict(_GROWN)
        return restate(w, author=author)


def _mend(w: Writer, stated: Stated, keys: set[Key], fold: Fold) -> None:
    """Make the rows of a table with these keys what the log states."""
    name = str(stated.table.name)
    columns = stated.table.c.keys()
    rows = [
        dict(zip(columns, row, strict=True))
        for row in w.conn.rows(_ROWS[name], domain=w.domain)
    ]
    live = {tuple(row[n] for n in stated.key): row for row in rows}
    told = fold.rows[name]
    if stated.table is domains:
        said = dict(told[()])
        w.conn.run(_SET_DOMAIN, d=w.domain, **said)
        state_row(w, domains, said)
        return
    drop(w, stated.table, sorted(key for key in keys if key not in told))
    for key in sorted(key for key in keys if key in told):
        row = _row(w, stated, told[key], live.get(key))
        put(w, stated.table, [tuple(row[column] for column in columns)])


def _row(w: Writer, stated: Stated, said: Row, live: Row | None) -> dict[str, Any]:
    """Return the row that the log states, with those secrets that are still there."""
    row = {"domain": w.domain, **said}
    for column in stated.sealed:
        secret = None if live is None else live[column]
        kept = bytes(secret) if isinstance(secret, memoryview) else secret
        if isinstance(said[column], Mapping):
            row[column] = kept if fits(said[column], kept) else None
    rest = {"position": w.head.position, **_REST.get(str(stated.table.name), {})}
    row |= {
        column: rest.get(column) if live is None else live[column]
        for column in stated.left_out
    }
    lost = [n for n in stated.sealed if row[n] is None and said[n] is not None]
    return row | (_without_secrets(stated, row) if lost else {})


def _without_secrets(stated: Stated, row: Row) -> dict[str, Any]:
    """Return what makes a row safe whose secret is lost."""
    if stated.table is users:
        return {}
    if stated.table is api_keys:
        return {"key_sha256": secrets.token_bytes(_KEY_BYTES)}
    return {
        "url": row["url"] or "https://address.invalid/",
        "secret": row["secret"] or secrets.token_hex(_KEY_BYTES),
        "active": 0,
        "stopped": _LOST,
    }
