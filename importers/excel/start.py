"""Taking an upload: the file is stored and its job added, once for each key.

``rules/excel-import.md`` 18.4: the same ``Idempotency-Key`` gives the first answer
again. It is decided under the domain's head, so of two requests that race one waits.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import partial

import orjson

from importers.excel.job import enqueue_import
from importers.excel.rules import options as excel_options
from importers.excel.rules.options import ExcelOptions
from importers.tables.unreadable import DEFAULT_LIMITS, Limits
from ledger.bodies import FileToStore
from ledger.commands.kept_answers import forget_old_answer
from ledger.entry import Answer, Author, IdempotencyKey
from ledger.submit import Needs, Session

_DAY = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StartImport:
    """An upload that was found to be readable, and what its sender is told."""

    job_id: str
    options: ExcelOptions
    file: FileToStore
    author: Author
    answer: Answer
    limits: Limits = DEFAULT_LIMITS
    idempotency: IdempotencyKey | None = None

    @property
    def size(self) -> int:
        """Return how many bytes it brings."""
        return self.file.length

    def needs(self) -> Needs:
        """Look up what was answered under the key."""
        key = self.idempotency
        return Needs(idempotency_keys=() if key is None else (key.key,))

    def run(self, session: Session) -> Answer:
        """Add the job, or return the answer of the first time.

        Raises ``Conflict`` when the key stands for another request.
        """
        kept = self._kept(session)
        if kept is not None:
            return kept
        # Behind the entries of this commit: the job has one of its own.
        add = partial(
            enqueue_import,
            options=self.options,
            file=self.file,
            author=self.author,
            now=session.clock(),
            limits=self.limits,
            job_id=self.job_id,
        )
        session.also.append(add)
        key = self.idempotency
        if key is not None:
            session.answers.keep(key, self.answer, now=session.clock())
        return self.answer

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing: the caller has the file and is told that it failed."""

    def _kept(self, session: Session) -> Answer | None:
        key = self.idempotency
        if key is None or (key.user_id, key.key) not in session.answers:
            return None
        a_day_ago = session.clock() - _DAY
        if forget_old_answer(session.writer, key.user_id, key.key, until=a_day_ago):
            return None
        return session.answers.under(key)


def digest_of(options: ExcelOptions, file: FileToStore) -> bytes:
    """Return what tells one upload from another: the file and every parameter.

    Not how the request was put together: clients draw a new boundary for each.
    """
    bare = replace(options, sheets=(), ignored_sheets=(), touches=None)
    asked = excel_options.to_json(bare)
    digest = hashlib.sha256(b"excel upload\n")
    digest.update(orjson.dumps([asked, file.name], option=orjson.OPT_SORT_KEYS))
    digest.update(bytes.fromhex(file.sha256))
    return digest.digest()
