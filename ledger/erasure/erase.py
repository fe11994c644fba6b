"""Lawful erasure: the personal data of a case is made unreadable, and that is logged.

The bytes of every form that says something of the case are replaced by what
``ledger/forms/redaction.py`` leaves of them; attachments are dropped, kept answers and
the words of jobs forgotten (``traces.py``). The headers, and so the chain and all
positions, stay as they are; the entry of kind ``erase`` names the digest of each body
that stands in the place of another. Who, when and why are in it too.

What the trained dictionaries have of it goes afterwards, in small commits
(``repacking.py``): a dictionary is made of pieces of old forms.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, update

from ledger import log
from ledger.bodies import note_replaced
from ledger.entry import Author, Entry, Kind, Receipt
from ledger.erasure.imports import forget_imports, import_files_of
from ledger.erasure.repacking import changeable, replace_stale
from ledger.erasure.traces import (
    Changed,
    drop_files,
    files_of,
    forget_answers,
    forget_problems,
)
from ledger.erasure.values import NOTHING_FOUND, Erased, Search
from ledger.errors import Conflict, LedgerError, Malformed
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form
from ledger.forms.form_xml import parse_for_fold
from ledger.forms.redaction import Redaction, mentions, redact
from ledger.storage.compression import PLAIN
from ledger.storage.connection import Statement
from ledger.store import Reader, Writer
from ledger.submit import Draft, Needs, Session, WantsOwnCommit
from ledger.tables import bodies

Progress = Callable[[int, int], None]
"""Is told how many entries of how many were searched."""

_BATCH = 1_000
_AT_ONCE = 200

_SET_BODY = Statement(
    update(bodies)
    .where(bodies.c.domain == bindparam("d"), bodies.c.position == bindparam("p"))
    .values(dictionary=bindparam("number"), body=bindparam("stored"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseCases:
    """The erasure of what the log holds of cases; it cannot be undone.

    A case that does not exist is erased too if forms that failed speak of it.
    ``found`` is a search that was made before, so that the domain is held only while
    the rest of the log is read.
    """

    case_ids: tuple[str, ...]
    author: Author
    reason: str
    found: Search = NOTHING_FOUND

    @property
    def size(self) -> int:
        """Return about how many bytes it brings."""
        return 1024 * len(self.found.positions)

    def needs(self) -> Needs:
        """Look up the cases."""
        return Needs(case_ids=self.case_ids)

    def run(self, session: Session) -> Erased:
        """Replace bodies, drop files and answers, append who, when and why.

        Raises ``Conflict`` for a case that nothing speaks of and for a missing reason.
        """
        if session.trial:
            raise AssertionError("an erasure cannot be tried: it writes at once")
        if not session.is_untouched:
            raise WantsOwnCommit
        if not self.reason.strip():
            raise Conflict("An erasure needs a 'reason'", field="reason")
        writer = session.writer
        rest = search(writer, self.case_ids, after=self.found.read_to)
        left = redactions(
            writer, {*self.found.positions, *rest.positions}, self.case_ids
        )
        self._check_known(session, left)
        try:
            return self._erase(session, only_changed(left))
        except LedgerError as error:
            # A refusal would keep what was written already.
            raise AssertionError("an erasure failed half way") from error

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller is told."""

    def _check_known(self, session: Session, left: Changed) -> None:
        named = {case_id for _, found in left.values() for case_id in found.named}
        for case_id in self.case_ids:
            if session.cases.case(case_id) is None and case_id not in named:
                raise Conflict(f"No case found with ID '{case_id}'", field="case_id")

    def _erase(self, session: Session, changed: Changed) -> Erased:
        writer = session.writer
        known = sorted({i for i in self.case_ids if session.cases.case(i) is not None})
        # The files of imports are no attachments, but blobs like those.
        gone = {**import_files_of(writer, changed), **files_of(writer, changed)}
        _replace_bodies(writer, changed)
        drop_files(writer, gone)
        forget_answers(writer, changed, self.case_ids)
        forget_problems(writer, changed)
        forget_imports(writer, changed)
        entry = session.erase_cases(self._draft(known, changed, gone), known)
        texts = {text for _, left in changed.values() for text in left.texts}
        return Erased(
            receipt=Receipt.of(entry),
            bodies=len(changed),
            blobs=len(gone),
            stale=replace_stale(writer, texts),
        )

    def _draft(
        self, known: Collection[str], changed: Changed, gone: Iterable[str]
    ) -> Draft:
        digests = {
            str(position): hashlib.sha256(left.body).hexdigest()
            for position, (_, left) in changed.items()
        }
        details: dict[str, Any] = {
            "case_ids": list(known),
            "reason": self.reason,
            "bodies": digests,
            "blobs": list(gone),
        }
        unknown = sorted({*self.case_ids} - {*known})
        if unknown:
            details["never_made"] = unknown
        return Draft(Kind.ERASE, None, user_id=self.author.user_id, details=details)


def search(
    r: Reader,
    case_ids: Collection[str],
    *,
    after: int = 0,
    progress: Progress | None = None,
) -> Search:
    """Return where the log says something of cases, behind a position."""
    found: dict[bool, list[int]] = {True: [], False: []}
    for begin in range(after, r.head.position, _BATCH):
        limit = min(_BATCH, r.head.position - begin)
        for entry, body in log.entries_after(r, begin, limit=limit):
            # A note about the directory is no form; emptied, it would prove nothing.
            if entry.kind is Kind.DIRECTORY or body is None:
                continue
            if may_name(body, case_ids):
                says = redact(body, case_ids) is not None
                if says or mentions(body, case_ids):
                    found[says].append(entry.position)
        if progress is not None:
            progress(begin + limit, r.head.position)
    return Search(
        positions=tuple(found[True]),
        mentioned=tuple(found[False]),
        read_to=r.head.position,
    )


def may_name(body: bytes, case_ids: Iterable[str]) -> bool:
    """Tell whether bytes can name a case, before they are parsed.

    An id may also hide in references, between sections, or in another encoding than
    UTF-8.
    """
    start = body.lstrip()[:5]
    plain = start.startswith(b"<") and b"\x00" not in body and b"&#" not in body
    if start == b"<?xml":
        plain = plain and b"encoding" not in body.partition(b"?>")[0]
    if not plain or b"<!" in body or b"<?" in body.lstrip()[2:]:
        return True
    return any(_written(case_id) in body for case_id in case_ids)


def redactions(
    r: Reader, positions: Collection[int], case_ids: Collection[str]
) -> dict[int, tuple[Entry, Redaction]]:
    """Return what is left of each body at these positions, in the log's order.

    Raises ``AssertionError`` rather than have another case changed.
    """
    return dict(_redactions(r, sorted(positions), case_ids))


def only_changed(left: Changed) -> Changed:
    """Leave out what an earlier erasure has redacted already."""
    return {place: found for place, found in left.items() if found[1].is_changed}


def _written(case_id: str) -> bytes:
    """Return the longest part of an id that XML writes as it is."""
    plain = "".join(c if c not in "<>&\"'" else " " for c in case_id).split()
    return max(plain, key=len, default="").encode()


def _redactions(
    r: Reader, positions: Sequence[int], case_ids: Collection[str]
) -> Iterator[tuple[int, tuple[Entry, Redaction]]]:
    for start in range(0, len(positions), _AT_ONCE):
        some = positions[start : start + _AT_ONCE]
        stored = log.bodies_at(r, some)
        found = log.entries_at(r, some)
        for position in some:
            left = redact(stored[position], case_ids)
            if left is not None:
                _check(stored[position], left, case_ids)
                yield position, (found[position], left)


def _check(body: bytes, left: Redaction, case_ids: Collection[str]) -> None:
    """Make sure that a replay does the same; better no erasure than a false one."""
    try:
        before = parse_for_fold(body)
    except Malformed:
        return
    if before.rejection is None and _folded(before, case_ids) != _folded(
        parse_for_fold(left.body), case_ids
    ):
        raise AssertionError("an erasure would change other cases")


def _folded(form: Form, case_ids: Collection[str]) -> Any:
    """Return what a fold makes of a form: of the erased cases, what was done at all."""
    blocks = [
        _kinds(block) if block.case_id in case_ids else block for block in form.blocks
    ]
    ids = (form.form_id, form.xmlns, form.meta.user_id, form.ledger_case_ids)
    return ids, form.is_device_log, blocks


def _kinds(block: CaseBlock) -> Any:
    return (
        (block.case_id, block.user_id, block.date_modified, block.close),
        block.create is not None,
        [index.name for index in block.indices],
        [attachment.name for attachment in block.attachments],
    )


def _replace_bodies(w: Writer, changed: Changed) -> None:
    """Store what is left; without a dictionary, since those may have to go."""
    with changeable(w, "bodies"):
        for position, (_, left) in changed.items():
            note_replaced(w, position, hashlib.sha256(left.body).hexdigest())
            w.conn.run(
                _SET_BODY,
                d=w.domain,
                p=position,
                number=PLAIN.number,
                stored=PLAIN.compress(left.body),
            )
