"""Lawful erasure: the personal data of a case is made unreadable, and that is logged.

The bytes of every form that says something of the case are replaced by what
``redaction.py`` leaves of them, attachments are dropped, kept answers forgotten. The
headers, and so the chain and all positions, stay as they are; the entry of kind
``erase`` names the digest of each body that stands in the place of another. Who, when
and why are in it too.

What the trained dictionaries have of it goes afterwards, in small commits
(``repacking.py``): a dictionary is made of pieces of old forms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, delete, select, update

from ledger import log
from ledger.compression import PLAIN
from ledger.connection import Statement
from ledger.dialect import in_list
from ledger.entry import Author, Entry, Kind, Receipt
from ledger.errors import Conflict
from ledger.form_states import known_cases
from ledger.formxml import parse_for_fold
from ledger.redaction import Redaction, redact
from ledger.repacking import changeable, replace_stale
from ledger.store import Reader, Writer
from ledger.submit import Draft, Needs, Session, receipt_of
from ledger.tables import blobs, bodies, entries, idempotency

_BATCH = 1_000

_SET_BODY = Statement(
    update(bodies)
    .where(bodies.c.domain == bindparam("d"), bodies.c.position == bindparam("p"))
    .values(dictionary=bindparam("number"), body=bindparam("stored"))
)
_WITH_FILES = Statement(
    select(entries.c.position).where(
        entries.c.domain == bindparam("domain"), entries.c.attachments.is_not(None)
    )
)
_DROP_BLOBS = Statement(
    delete(blobs).where(
        blobs.c.domain == bindparam("domain"), in_list(blobs.c.sha256, "digests")
    )
)
_ANSWERS = Statement(
    select(idempotency.c.user_id, idempotency.c.key, idempotency.c.response).where(
        idempotency.c.domain == bindparam("domain")
    )
)


class WantsOwnCommit(Exception):
    """The command must be the first of its commit: it reads what others append.

    No ``LedgerError``: the writer then runs the commands of the round one by one.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """The bodies that say something of some cases, as far as the log was read."""

    positions: tuple[int, ...] = ()
    read_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What an erasure did; ``stale`` are the dictionaries that must go."""

    receipt: Receipt
    bodies: int
    blobs: int
    stale: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseCases:
    """The erasure of what the log holds of cases; it cannot be undone.

    ``found`` is a search that was made before, so that the domain is held only while
    the rest of the log is read.
    """

    case_ids: tuple[str, ...]
    author: Author
    reason: str
    found: Search = Search()

    @property
    def size(self) -> int:
        """Return about how many bytes it brings."""
        return 1024 * len(self.found.positions)

    def needs(self) -> Needs:
        """Look up the cases."""
        return Needs(case_ids=self.case_ids)

    def run(self, session: Session) -> Erased:
        """Replace bodies, drop files and answers, append who, when and why.

        Raises ``Conflict`` for a case that does not exist and for a missing reason.
        """
        if not session.is_untouched:
            raise WantsOwnCommit
        if not self.reason.strip():
            raise Conflict("An erasure needs a reason", field="reason")
        case_ids = [case.case_id for case in known_cases(session, self.case_ids)]
        writer = session.writer
        rest = search(writer, case_ids, after=self.found.read_to)
        changed = _redactions(
            writer, {*self.found.positions, *rest.positions}, case_ids
        )
        _replace_bodies(writer, {p: left.body for p, (_, left) in changed.items()})
        gone = _drop_files(writer, changed)
        _forget_answers(writer, case_ids)
        texts = {text for _, left in changed.values() for text in left.texts}
        entry = session.erase_cases(self._draft(case_ids, changed, gone), case_ids)
        stale = replace_stale(writer, texts)
        return Erased(
            receipt=receipt_of(entry),
            bodies=len(changed),
            blobs=len(gone),
            stale=stale,
        )

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""

    def _draft(
        self,
        case_ids: list[str],
        changed: Mapping[int, tuple[Entry, Redaction]],
        gone: list[str],
    ) -> Draft:
        digests = {
            str(position): hashlib.sha256(left.body).hexdigest()
            for position, (_, left) in changed.items()
        }
        details: dict[str, Any] = {
            "case_ids": case_ids,
            "reason": self.reason,
            "bodies": digests,
            "blobs": gone,
        }
        return Draft(Kind.ERASE, None, user_id=self.author.user_id, details=details)


def search(r: Reader, case_ids: Collection[str], *, after: int = 0) -> Search:
    """Return where the log says something of cases, behind a position."""
    found = [
        entry.position
        for entry, body in _bodies_after(r, after)
        if _may_name(body, case_ids) and redact(body, case_ids) is not None
    ]
    return Search(positions=tuple(found), read_to=r.head.position)


def _bodies_after(r: Reader, position: int) -> Iterator[tuple[Entry, bytes]]:
    for begin in range(position, r.head.position, _BATCH):
        limit = min(_BATCH, r.head.position - begin)
        for entry, body in log.entries_after(r, begin, limit=limit):
            if body is not None:
                yield entry, body


def _may_name(body: bytes, case_ids: Iterable[str]) -> bool:
    """Tell whether bytes can name a case, before they are parsed.

    An id may also hide in references or in another encoding than UTF-8.
    """
    if b"&#" in body or b"\x00" in body or b"encoding=" in body[:100]:
        return True
    return any(_written(case_id) in body for case_id in case_ids)


def _written(case_id: str) -> bytes:
    """Return the longest part of an id that XML writes as it is."""
    plain = "".join(c if c not in "<>&\"'" else " " for c in case_id).split(" ")
    return max(plain, key=len).encode()


def _redactions(
    w: Writer, positions: Collection[int], case_ids: Collection[str]
) -> dict[int, tuple[Entry, Redaction]]:
    """Return what will be left of each body, with its entry, in the log's order."""
    stored = log.bodies_at(w, positions)
    found = log.entries_at(w, positions)
    left: dict[int, tuple[Entry, Redaction]] = {}
    for position in sorted(positions):
        redaction = redact(stored[position], case_ids)
        if redaction is not None and redaction.body != stored[position]:
            _check(stored[position], redaction, case_ids)
            left[position] = (found[position], redaction)
    return left


def _check(body: bytes, left: Redaction, case_ids: Collection[str]) -> None:
    """Make sure that other cases fold as before; better no erasure than a false one."""
    if not left.body:
        return
    before, after = parse_for_fold(body), parse_for_fold(left.body)
    if before.rejection is not None:
        return
    others = [
        [b for b in f.blocks if b.case_id not in case_ids] for f in (before, after)
    ]
    same = (before.form_id, before.xmlns, before.meta.user_id, before.ledger_case_ids)
    left_same = (after.form_id, after.xmlns, after.meta.user_id, after.ledger_case_ids)
    if others[0] != others[1] or same != left_same:
        raise AssertionError("an erasure would change other cases")


def _replace_bodies(w: Writer, left: Mapping[int, bytes]) -> None:
    """Store what is left; without a dictionary, since those may have to go."""
    with changeable(w, "bodies"):
        for position, body in left.items():
            w.conn.run(
                _SET_BODY,
                d=w.domain,
                p=position,
                number=PLAIN.number,
                stored=PLAIN.compress(body),
            )


def _drop_files(w: Writer, changed: Mapping[int, tuple[Entry, Redaction]]) -> list[str]:
    """Drop the attachments of what was redacted, unless another form has the same."""
    gone = {
        attachment.sha256
        for entry, left in changed.values()
        for attachment in entry.attachments
        if attachment.name not in left.kept_files
    }
    if gone:
        gone -= _kept_elsewhere(w, changed)
        w.conn.run(_DROP_BLOBS, domain=w.domain, digests=sorted(gone))
    return sorted(gone)


def _kept_elsewhere(
    w: Writer, changed: Mapping[int, tuple[Entry, Redaction]]
) -> set[str]:
    """Return the digests of the attachments that stay, by what still has them."""
    kept: set[str] = set()
    for (position,) in w.conn.rows(_WITH_FILES, domain=w.domain):
        entry, left = changed.get(position) or (None, None)
        if entry is None or left is None:
            kept.update(
                a.sha256 for a in log.entries_at(w, [position])[position].attachments
            )
        else:
            kept.update(
                a.sha256 for a in entry.attachments if a.name in left.kept_files
            )
    return kept


def _forget_answers(w: Writer, case_ids: Collection[str]) -> None:
    """Drop the kept answers of writes that show one of the cases."""
    ids = [case_id.encode() for case_id in case_ids]
    shown = [
        (w.domain, user_id, key)
        for user_id, key, response in w.conn.rows(_ANSWERS, domain=w.domain)
        if any(case_id in response for case_id in ids)
    ]
    w.conn.delete(idempotency, shown)
