"""The job of an upload: rows become cases, some of them in each commit.

``rules/batch-imports.md`` 2.5. What became of the rows of a commit stands in it, with
how far the job is; so whoever goes on with a job begins behind the last commit and
repeats nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from importers.jobs.pace import Pace
from importers.jobs.stored_file import write_stored
from importers.jobs.threads import in_thread
from importers.jobs.worker import JobContext
from importers.rows.job import Course, commit_each, in_turn
from importers.rows.reading import closing_rows, in_portions, skip
from importers.rows.records import touched_before
from importers.rows.rules.kept import added
from importers.rows.rules.told import Touched, with_told
from importers.sunbird.command import API, Done, ImportRecords
from importers.sunbird.people import People
from importers.sunbird.rules.columns import ObjectType
from importers.sunbird.rules.known import Known
from importers.sunbird.table import Record, read_records
from importers.sunbird.upload import task_of
from importers.tables.notices import Notices
from ledger.errors import LedgerError
from ledger.jobs.values import Job

_ROWS = 200
_PAGES = 4
COUNTED = ("applied", "unchanged", "failed")
"""The ways in which a row can end."""


class UploadFailed(LedgerError):
    """The whole upload broke off."""


async def run_upload(context: JobContext) -> Mapping[str, Any]:
    """Import the file of a job, from where its progress ends."""
    async with in_turn(context) as folder:
        path = folder / "upload"
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
        self._people = People()
        self._notices = Notices()
        self._touched = Touched()
        self._course: Course[Known] = Course(context, _begun(context.job))
        self._pace = Pace(_ROWS)

    async def run(self) -> Mapping[str, Any]:
        """Import what is left of the file; return how many rows ended in which way."""
        await in_thread(self._look_through)
        if self._task.kind is ObjectType.USER:
            while await self._context.read(partial(self._people.follow, pages=_PAGES)):
                pass
        if self._course.is_dry or not self._context.job.progress:
            self._course.so_far["notices"] = self._notices.to_json()
            await self._course.save()
        await self._remember_touched()
        with closing_rows(read_records(self._path, self._task.kind)) as records:
            await skip(records, self._course.so_far["done"])
            portions = in_portions(records, self._pace)
            await commit_each(portions, self._commit, pace=self._pace)
        so_far = self._course.so_far
        counts = {way: so_far[way] for way in COUNTED}
        return {**counts, "cases": so_far["cases"], "dry_run": self._course.is_dry}

    async def _remember_touched(self) -> None:
        """Find out which cases the rows before mean."""
        if not self._course.is_dry and self._course.so_far["done"]:
            read = partial(touched_before, api=API, job_id=self._context.job.job_id)
            self._touched = await self._context.read(read)

    def _look_through(self) -> None:
        """Read the whole file: what is told of it, and whom its rows may mean."""
        kind, tell = self._task.kind, self._notices.add
        with closing(read_records(self._path, kind, tell=tell)) as records:
            for record in records:
                if kind is ObjectType.USER:
                    self._people.expect(record.values)

    async def _commit(self, records: tuple[Record, ...]) -> None:
        """Commit what becomes of some rows."""
        job = self._context.job
        command = ImportRecords(
            task=self._task,
            job_id=job.job_id,
            file=job.options["files"][0]["name"],
            records=records,
            people=self._people,
            known=self._course.left,
            dry_run=self._course.is_dry,
        )
        await self._course.commit(command, self._accounted)

    def _accounted(self, before: Mapping[str, Any], done: Done) -> dict[str, Any]:
        """Return the progress behind some rows."""
        file = self._context.job.options["files"][0]["name"]
        twice = [
            notice
            for row, case_ids in done.touched
            for notice in self._touched.take((file, row), case_ids)
        ]
        told = with_told(before["told"], [*done.told, *twice], file="")
        return {**_accounted(before, done), "told": told, "cases": len(self._touched)}


def _begun(job: Job) -> dict[str, Any]:
    """Return how far an upload is before its first row."""
    total = job.options["rows"]
    counts = dict.fromkeys(COUNTED, 0)
    return {"done": 0, "total": total, "told": [], "cases": 0, **counts}


def _accounted(before: Mapping[str, Any], done: Done) -> dict[str, Any]:
    """Return how far an upload is behind some rows."""
    counts = added(before, done.counts)
    further = {way: counts[way] for way in COUNTED}
    return {**before, **further, "done": sum(further.values())}
