"""The files of an import go, for good: an administrator's act.

What the import did stays, and so do its counts; an erasure of cases goes further
(``ledger/erasure/erase.py``).
"""

from __future__ import annotations

from importers.jobs.repack import REPACK
from importers.jobs.turns import EXCEL, HAPLO, SUNBIRD
from ledger.clock import Clock
from ledger.entry import Author
from ledger.erasure.imports import drop_import_files
from ledger.errors import Conflict
from ledger.jobs import queue as jobs
from ledger.jobs.notes import annotate
from ledger.jobs.values import JobKey
from ledger.store import Writer

_IMPORTS = (EXCEL, HAPLO, SUNBIRD)


def forget_files(w: Writer, key: JobKey, *, author: Author, clock: Clock) -> int:
    """Drop the files of an import that has ended, and samples of what is in them.

    A job has the database let go of them. Returns how many files went. Raises
    ``NotFound``, and ``Conflict`` for a job that has not ended or is no import.
    """
    job = jobs.get_job(w.conn, key)
    if job.kind not in _IMPORTS:
        raise Conflict(f"Job {job.job_id} is no import; it has no files")
    if not job.has_ended:
        raise Conflict(f"Job {job.job_id} is {job.state}; cancel it first")
    count = drop_import_files(w, job)
    notes = {"forgotten_by": author.username}
    annotate(w, key, notes, author=author, now=clock())
    jobs.enqueue(
        w,
        kind=REPACK,
        options={"dictionaries": [], "position": w.head.position},
        user_id=job.user_id,
        now=clock(),
    )
    return count
