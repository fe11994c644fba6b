"""The job of an upload: rows become cases, some of them in each commit.

``rules/batch-imports.md`` 2.5. What became of the rows of a commit stands in it, with
how far the job is; so whoever goes on with a job begins behind the last commit and
repeats nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from importers.jobs.ahead import Ahead
from importers.jobs.form_acts import Pace
from importers.jobs.stored_file import write_stored
from importers.jobs.turns import wait_for_turn
from importers.jobs.worker import JobContext
from importers.rows.rules.kept import added
from importers.rows.rules.overlay import Overlay
from importers.sunbird.command import Done, ImportRecords
from importers.sunbird.people import People
from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.known import Known
from importers.sunbird.table import Record, read_records
from importers.sunbird.upload import task_of
from ledger.errors import LedgerError

_ROWS = 200
_PAGES = 4
COUNTED = ("applied", "unchanged", "failed")
"""The ways in which a row can end."""


class UploadFailed(LedgerError):
    """The whole upload broke off."""


async def run_upload(context: JobContext) -> Mapping[str, Any]:
    """Import the file of a job, from where its progress ends."""
    await wait_for_turn(context)
    with TemporaryDirectory(prefix="caseledger-sunbird-") as folder:
        path = Path(folder) / "upload"
        (file,) = context.job.options["files"]
        if not await write_stored(context, file["sha256"], path):
            raise UploadFailed("The file of the upload is not there any more")
        return await _Upload(context, path).run()


class _Upload:
    """An upload under way; what is known beside its progress can be had again."""

    def __init__(self, context: JobContext, path: Path) -> None:
        self._context = context
        self._path = path
        self._task = task_of(context.job)
        self._dry_run = context.job.options["dry_run"]
        self._people = People()
        self._overlay: Overlay[Known] = Overlay()
        self._pace = Pace(_ROWS)

    async def run(self) -> Mapping[str, Any]:
        """Import what is left of the file; return how many rows ended in which way."""
        if self._task.kind is ObjectType.USER:
            await asyncio.to_thread(self._expect)
            while await self._context.read(partial(self._people.follow, pages=_PAGES)):
                pass
        if self._dry_run or not self._context.job.progress:
            # A dry run leaves nothing behind that it could go on from.
            await self._context.step([], lambda _: self._begun())
        with closing(read_records(self._path, self._task.kind)) as records:
            await self._import(records)
        so_far = self._context.job.progress
        return {**{way: so_far[way] for way in COUNTED}, "dry_run": self._dry_run}

    def _expect(self) -> None:
        with closing(read_records(self._path, self._task.kind)) as records:
            for record in records:
                self._people.expect(record.values)

    def _begun(self) -> dict[str, int]:
        total = self._context.job.options["rows"]
        return {"done": 0, "total": total, **dict.fromkeys(COUNTED, 0)}

    async def _import(self, records: Iterator[Record]) -> None:
        done = self._context.job.progress["done"]
        await asyncio.to_thread(_take, records, done)
        async with Ahead(lambda: _take(records, self._pace.most)) as ahead:
            while some := await ahead.next():
                with self._pace:
                    await self._step(some)

    async def _step(self, records: tuple[Record, ...]) -> None:
        """Commit what becomes of some rows."""
        job = self._context.job
        command = ImportRecords(
            task=self._task,
            job_id=job.job_id,
            file=job.options["files"][0]["name"],
            records=records,
            people=self._people,
            known=self._overlay,
            dry_run=self._dry_run,
        )
        (done,) = await self._context.step([command], partial(_further, job.progress))
        if self._dry_run:
            self._overlay.take(done.left)


def _further(so_far: Mapping[str, Any], outcomes: Sequence[Any]) -> Mapping[str, Any]:
    """Return how far the job is after a command."""
    (done,) = outcomes
    if not isinstance(done, Done):
        raise done
    counts = added(so_far, done.counts)
    further = {way: counts[way] for way in COUNTED}
    return {**so_far, **further, "done": sum(further.values())}


def _take(records: Iterator[Record], most: int) -> tuple[Record, ...]:
    return tuple(islice(records, most))
