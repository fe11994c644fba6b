"""What the log states of rows that are kept beside it: the directory, and jobs.

Whoever changes such a row puts it here, in the transaction that appends the note of the
change; the body of the note holds the rows as they are from then on. So the directory
is a fold of the log as cases are, and ``proof/directory.py`` compares the two. A
transaction cannot commit a row that no note has stated.

Secrets are stated as seals: whoever has the row can tell whether it is the one, and
nobody can tell the secret from the log.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import Table

from ledger.tables import (
    api_keys,
    batch_controls,
    batch_files,
    batches,
    domains,
    group_members,
    groups,
    jobs,
    location_types,
    locations,
    user_locations,
    users,
    webhooks,
)

if TYPE_CHECKING:
    from ledger.store import Writer

Row = Mapping[str, Any]
Key = tuple[Any, ...]

_SALT_BYTES = 16
_WORK = 2**14
_WHOLE = "whole"
_TABLES = "tables"
IMPORT_NOTE = "haplo_data_import_batch:"
"""How the action of a note begins that tells of an import, and states no rows."""

_KEY = re.compile(r"whsec_[A-Za-z0-9+/]{43}=")


def _never(_row: Row, _fold: Fold) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Stated:
    """A table whose rows the log states.

    ``sealed`` has the columns that are secrets and how each is sealed. ``left_out`` has
    those that the log does not state, each with the reason. ``excused`` tells of a row
    whether the log, as it is folded, need not state it: it has decided nothing yet.
    """

    table: Table
    sealed: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    excused: Callable[[Row, Fold], bool] = _never

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns that are stated; the domain is not."""
        left = {"domain", *self.left_out}
        return tuple(str(c.name) for c in self.table.columns if c.name not in left)

    @property
    def key(self) -> tuple[str, ...]:
        """Return the names of the columns that a row is known by in its domain."""
        return tuple(str(c.name) for c in self.table.primary_key if c.name != "domain")

    def as_stated(self, row: Row) -> Row:
        """Return what the log states of a row."""
        sealed = self.sealed
        return {
            name: sealed[name](row[name])
            if name in sealed and row[name] is not None
            else row[name]
            for name in self.columns
        }


def sealed(secret: Any) -> Any:
    """Return the seal of what nobody can guess: random bytes, a salted hash."""
    return {"sha256": hashlib.sha256(_bytes(secret)).hexdigest()}


def sealed_slowly(secret: Any) -> Any:
    """Return the seal of a secret that a person may have thought of.

    Trying out guesses costs as much as with a password.
    """
    salt = secrets.token_bytes(_SALT_BYTES)
    return {"scrypt": [salt.hex(), _scrypt(secret, salt)]}


def sealed_key(secret: Any) -> Any:
    """Return the seal of what signs for a webhook.

    One of the length that ``new_secret`` makes is taken for random, as everybody's
    libraries make them; any other may be a phrase.
    """
    is_random = _KEY.fullmatch(str(secret)) is not None
    return (sealed if is_random else sealed_slowly)(secret)


def sealed_address(url: Any) -> Any:
    """Return an address as it is, or its seal if it has a query: that may be secret."""
    return sealed_slowly(url) if "?" in str(url) else url


def fits(seal: Any, secret: Any) -> bool:
    """Tell whether a seal is that of a secret; another kind of value fits itself."""
    if not isinstance(seal, Mapping):
        return bool(seal == secret)
    if not isinstance(secret, str | bytes):
        return False
    if "sha256" in seal:
        return hmac.compare_digest(sealed(secret)["sha256"], str(seal["sha256"]))
    salt, digest = seal["scrypt"]
    return hmac.compare_digest(_scrypt(secret, bytes.fromhex(salt)), str(digest))


def _scrypt(secret: Any, salt: bytes) -> str:
    return hashlib.scrypt(_bytes(secret), salt=salt, n=_WORK, r=8, p=1, dklen=32).hex()


def _bytes(secret: Any) -> bytes:
    return secret.encode() if isinstance(secret, str) else bytes(secret)


_COUNTED = "the read tables behind it are compared row by row"
_CHAINED = "compared with the last entry of the log"
_PROGRESS = "how far deliveries have come, which changes with each"
_LEASE = "which process delivers just now"
_HOW_FAR = (
    "how far the work is: what it did to records is in their entries, which name it"
)


def decides_nothing(kind: str, options: Any) -> bool:
    """Tell whether no record depends on what a job is asked for.

    A dry run leaves nothing in the log, not even a note; what a repacking drops is in
    the entry of its erasure.
    """
    dry = isinstance(options, Mapping) and options.get("dry_run") is True
    return dry or kind == "repack"


def _decides_nothing(row: Row, _fold: Fold) -> bool:
    try:
        return decides_nothing(row["kind"], orjson.loads(row["options"]))
    except ValueError:
        return False


def _waits(row: Row, _fold: Fold) -> bool:
    """Tell whether a batch was not started yet; what starts it states it."""
    return str(row["state"]) != "started"


def _of_none_stated(row: Row, fold: Fold) -> bool:
    """Tell whether a file belongs to a batch that was not started yet."""
    return (row["identifier"],) not in fold.rows["batches"]


def _may_wait(_row: Row, _fold: Fold) -> bool:
    """Excuse a control file: the first batch of it that is started states it."""
    return True


STATED: Mapping[str, Stated] = {
    str(stated.table.name): stated
    for stated in (
        Stated(
            domains,
            left_out={
                "position": _CHAINED,
                "appended_on": _CHAINED,
                "digest": _CHAINED,
                "live_cases": _COUNTED,
                "live_forms": _COUNTED,
                "indexed": _COUNTED,
            },
        ),
        Stated(users, sealed={"password_hash": sealed}),
        Stated(user_locations),
        Stated(groups),
        Stated(group_members),
        Stated(location_types),
        Stated(locations),
        Stated(api_keys, sealed={"key_sha256": sealed}),
        Stated(
            webhooks,
            sealed={"url": sealed_address, "secret": sealed_key},
            left_out={
                "position": _PROGRESS,
                "due_on": _PROGRESS,
                "lease_owner": _LEASE,
                "lease_until": _LEASE,
            },
        ),
        Stated(batch_controls, excused=_may_wait),
        Stated(batches, excused=_waits),
        Stated(batch_files, excused=_of_none_stated),
        Stated(
            jobs,
            left_out=dict.fromkeys(
                (
                    *("state", "progress", "result", "problem", "attempts"),
                    *("cancel_asked", "ready_on", "lease", "first_position"),
                    *("last_position", "started_on", "finished_on"),
                ),
                _HOW_FAR,
            ),
            excused=_decides_nothing,
        ),
    )
}
"""The tables of the directory by name, and those that say what jobs were asked for."""

_ALWAYS = frozenset(STATED) - {"jobs", "batches", "batch_files", "batch_controls"}
"""Those that every log states that states any rows and does not say which."""


def put(w: Writer, table: Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Write rows, given in the table's column order, and state them."""
    w.conn.upsert(table, rows)
    state(w, table, rows)


def drop(w: Writer, table: Table, keys: Sequence[Key]) -> None:
    """Delete the rows with these keys, without the domain, and state that."""
    w.conn.delete(table, [(w.domain, *key) for key in keys])
    w.stated |= {(str(table.name), tuple(key)): None for key in keys}


def state(w: Writer, table: Table, rows: Iterable[Sequence[Any]]) -> None:
    """State rows that are written otherwise, given in the table's column order."""
    names = table.c.keys()
    for row in rows:
        state_row(w, table, dict(zip(names, row, strict=True)))


def state_row(w: Writer, table: Table, row: Row) -> None:
    """State a row that has at least the columns that are stated."""
    stated = STATED[table.name]
    key = tuple(row[name] for name in stated.key)
    w.stated[str(table.name), key] = stated.as_stated(row)


def statement(w: Writer, *, whole: bool = False) -> bytes:
    """Return the body of the note that states what was put; nothing is left over.

    ``whole`` says that there are no other rows, as there are none behind the first note
    of a domain; both say for which tables that is so.
    """
    rows: dict[str, list[Any]] = {}
    gone: dict[str, list[Any]] = {}
    for (name, key), row in w.stated.items():
        if row is None:
            gone.setdefault(name, []).append(key)
        else:
            rows.setdefault(name, []).append(row)
    w.stated.clear()
    said: dict[str, Any] = {"rows": rows}
    if gone:
        said["gone"] = gone
    if whole:
        said[_WHOLE] = True
    if whole or not w.head.position:
        said[_TABLES] = list(STATED)
    return orjson.dumps(said)


@dataclass(slots=True)
class Fold:
    """The rows that a log states, by table and key.

    ``whole`` tells whether it states all that ``tables`` have: a log that older
    releases wrote does not, before all is stated anew.
    """

    whole: bool = False
    tables: frozenset[str] = _ALWAYS
    rows: dict[str, dict[Key, Row]] = field(
        default_factory=lambda: {name: {} for name in STATED}
    )

    def add(self, body: bytes, *, first: bool) -> None:
        """Fold one note; ``first`` is that of a domain that was created.

        Raises ``ValueError`` for a body that is no statement.
        """
        said = orjson.loads(body)
        if said.get(_WHOLE):
            self.rows = {name: {} for name in STATED}
        if first or said.get(_WHOLE):
            self.tables = frozenset(said.get(_TABLES, _ALWAYS))
        self.whole = self.whole or first or bool(said.get(_WHOLE))
        for name, keys in said.get("gone", {}).items():
            for key in keys:
                self.rows[name].pop(tuple(key), None)
        for name, rows in said["rows"].items():
            names = STATED[name].key
            self.rows[name] |= {tuple(row[n] for n in names): row for row in rows}
