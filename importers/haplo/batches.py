"""How batches for Haplo's import are asked for: control files, files, the job.

``rules/batch-imports.md`` 1.1 and 1.3. Whoever asks, over HTTP or from the command
line, does it through these functions and ``ledger/imports/batches.py``.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePath

import orjson

from importers.haplo.log import log_lines
from importers.haplo.rules.control import (
    DEFAULT,
    Control,
    InvalidControl,
    NotJson,
    read_control,
)
from importers.haplo.rules.names import Part
from importers.jobs.turns import HAPLO
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.imports import batches
from ledger.imports.results import rows_with_messages
from ledger.imports.values import Batch, BatchState
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Reader, Writer
from ledger.times import Micros

__all__ = [
    "DEFAULT",
    "UNNAMED_BATCH",
    "UNNAMED_CONTROL",
    "cases_of",
    "check_control",
    "listed_names",
    "log_of",
    "name_of",
    "schedule",
]

_BOM = b"\xef\xbb\xbf"

UNNAMED_CONTROL = "Unnamed control file"
UNNAMED_BATCH = "Unnamed batch"


def check_control(content: bytes) -> Control:
    """Return what a control file says; raises ``Conflict`` with all that is wrong."""
    try:
        return read_control(content)
    except NotJson:
        text = "Uploaded file is not JSON"
        raise Conflict(text, field="file") from None
    except InvalidControl as error:
        listed = "".join(f"\n  {one}" for one in error.errors)
        text = f"Invalid control file:{listed}"
        raise Conflict(text, field="file") from None


def schedule(
    w: Writer,
    identifier: str,
    *,
    state: BatchState,
    dry_run: bool,
    author: Author,
    now: Micros,
    owner_id: str = "",
) -> Job:
    """Add the job that imports a batch; raises ``NotFound`` and ``Conflict``.

    New cases of records that name no owner belong to ``owner_id``, or to the author.
    """
    return batches.start_batch(
        w,
        identifier,
        state=state,
        kind=HAPLO,
        dry_run=dry_run,
        author=author,
        now=now,
        owner_id=owner_id,
    )


def log_of(r: Reader, batch: Batch) -> str | None:
    """Return the log of a batch whose run has ended (rule 1.7)."""
    if batch.errors is None:
        return None
    job = jobs.get_job(r.conn, (r.domain, batch.identifier))
    rows = rows_with_messages(r, HAPLO, batch.identifier)
    return "\n".join(log_lines(job, rows))


def cases_of(r: Reader, batch: Batch) -> int:
    """Return how many cases the records of a run that has ended made or changed."""
    if batch.errors is None:
        return 0
    job = jobs.get_job(r.conn, (r.domain, batch.identifier))
    count: int = job.progress.get("cases", 0)
    return count


def listed_names(control: bytes) -> tuple[str, ...]:
    """Return the names of files that a valid control file lists."""
    return tuple(orjson.loads(control.removeprefix(_BOM))["files"])


def sets_owners(control: bytes) -> bool:
    """Tell whether a valid control file says where records name their owners."""
    instructions = orjson.loads(control.removeprefix(_BOM))["instructions"]
    return any(step.get("name") == Part.OWNER_ID.value for step in instructions)


def name_of(file_name: str, listed: Collection[str]) -> str:
    """Return the name under which a control file knows a file.

    The file name if it is listed there, else what stands before its extension.
    """
    path = PurePath(file_name)
    return path.name if path.name in listed else path.stem
