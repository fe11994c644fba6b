"""The import of a spreadsheet of cases: how it is asked for, and the job that does it.

Each step takes some rows of the file, and what they become commits together with how
far the job is (``rules/excel-import.md`` 13 and 17). The ids of cases and forms
follow from the job's id, so whoever goes on with a job repeats nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from importers.excel.command import ImportRows
from importers.excel.owners import OwnerBook
from importers.excel.rules import options as excel_options
from importers.excel.rules import report as excel_report
from importers.excel.rules.columns import Columns, Failure, columns_of
from importers.excel.rules.decide import Importing, Known
from importers.excel.rules.options import LOST, ExcelOptions, Sheet, refusal
from importers.excel.rules.report import Report
from importers.excel.rules.told import form_ids_of
from importers.excel.rules.window import (
    Looked,
    Place,
    ReadRow,
    Window,
    begun,
    is_wish,
    read_rows,
)
from importers.excel.rules.wishes import Wish
from importers.excel.stored import case_ids_of_forms, in_parts
from importers.jobs.stored_file import write_stored
from importers.jobs.threads import in_thread
from importers.jobs.turns import EXCEL
from importers.jobs.worker import JobContext
from importers.rows.job import Course, commit_each, in_turn
from importers.tables.open import Table, open_table
from importers.tables.rows import Row
from importers.tables.unreadable import DEFAULT_LIMITS, Limits, Unreadable
from ledger.bodies import FileToStore, put_file
from ledger.clock import now_micros
from ledger.entry import Author
from ledger.errors import LedgerError
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Writer
from ledger.times import Micros, format_micros

_WINDOW = 300
"""How many rows a commit decides: more would keep other clients waiting."""


_NAME_OWNERS = frozenset({"owner_name", "owner_id"})


class ImportFailed(LedgerError):
    """The whole import broke off (rule 14.4)."""


def enqueue_import(
    w: Writer,
    options: ExcelOptions,
    file: FileToStore,
    *,
    author: Author,
    now: Micros,
    limits: Limits = DEFAULT_LIMITS,
    owner_id: str | None = None,
    job_id: str | None = None,
) -> Job:
    """Store the file and add the job that imports it, in one commit.

    The job keeps the limits that the file was looked at under: whatever an operator
    changes meanwhile, what was taken is imported. New cases whose row names no owner
    belong to ``owner_id``: to nobody, which is an error, if that is an empty text, and
    to the author without it (rule 10.5a).
    """
    owned = {} if owner_id is None else {"owner_id": owner_id}
    put_file(w, file)
    about = {"name": file.name, "length": file.length, "sha256": file.sha256}
    importer = {"user_id": author.user_id, "username": author.username}
    return jobs.enqueue(
        w,
        kind=EXCEL,
        options={
            **excel_options.to_json(options),
            "file": about,
            "author": importer,
            **owned,
            "limits": excel_options.limits_to_json(limits),
        },
        user_id=author.user_id,
        now=now,
        job_id=job_id,
    )


async def import_excel(context: JobContext) -> Mapping[str, Any]:
    """Import the file of a job, from where its progress ends."""
    async with in_turn(context) as folder:
        path = folder / "upload"
        file = context.job.options["file"]
        if not await write_stored(context, file["sha256"], path):
            raise ImportFailed(LOST)
        return await _Import(context, path).run()


class _Import:
    """An import under way; what is known beside its progress can be had again."""

    def __init__(self, context: JobContext, path: Path) -> None:
        self._context = context
        self._path = path
        self._limits = excel_options.limits_from_json(context.job.options)
        self._options = excel_options.from_json(context.job.options)
        self._name = context.job.options["file"]["name"]
        self._author = Author(**context.job.options["author"])
        self._owners = OwnerBook(self._author)
        self._course: Course[Known] = Course(context, {})
        self._touched: set[str] = set()

    async def run(self) -> Mapping[str, Any]:
        """Import sheet after sheet; return the counts of rows."""
        if self._course.so_far:
            self._touched |= await self._touched_before()
        first = self._course.so_far.get("sheet", 0)
        for number, sheet in enumerate(self._options.sheets[first:], start=first):
            await self._import_sheet(Place(number, sheet))
        report = excel_report.from_json(self._course.so_far.get("report", {}))
        return {
            "created": report.created,
            "updated": report.updated,
            "failed": report.failed,
            "skipped": report.blank + report.unmatched,
            "cases": report.cases,
            "dry_run": self._options.dry_run,
        }

    async def _touched_before(self) -> set[str]:
        """Return the cases of the forms that were stored before somebody went on."""
        found: set[str] = set()
        for some in in_parts(form_ids_of(self._context.job)):
            read = partial(case_ids_of_forms, form_ids=some)
            found.update(await self._context.read(read))
        return found

    async def _import_sheet(self, place: Place) -> None:
        try:
            with await in_thread(self._opened, place.sheet) as table:
                await self._import_table(place, table)
        except Unreadable as error:
            raise await self._broken_off(Failure("", refusal(error).text)) from error

    def _opened(self, sheet: Sheet) -> Table:
        title = sheet.title if self._options.is_many else None
        return open_table(
            self._path,
            file_name=self._name,
            sheet=title,
            header_row=self._options.header_row,
            limits=self._limits,
        )

    async def _import_table(self, place: Place, table: Table) -> None:
        columns = columns_of(table.headers, self._options, place.sheet.case_type)
        so_far = self._course.so_far
        if so_far.get("sheet") != place.number:
            so_far = self._course.so_far = begun(
                place, so_far, table.head, columns=columns, options=self._options
            )
        rows = table.rows()
        looked = Looked()
        again = await in_thread(_passed, rows, so_far, columns, looked)
        waiting = [read.found for read in again if is_wish(read.found)]
        if columns.failure and await in_thread(next, rows, None) is not None:
            raise await self._broken_off(columns.failure)

        async def commit(taken: list[ReadRow]) -> None:
            nonlocal waiting
            window = Window(
                place, columns, taken, waiting, self._touched, total=table.row_count
            )
            waiting = await self._commit(window, is_last=len(taken) < _WINDOW)

        await commit_each(_windows(rows, columns, looked), commit, pace=nullcontext())

    async def _commit(self, window: Window, *, is_last: bool) -> list[Wish]:
        """Commit what becomes of some rows; return those that wait for more."""
        wishes = window.wishes
        if not _NAME_OWNERS.isdisjoint(window.columns.fields):
            await self._context.read(partial(self._owners.look_up, wishes=wishes))
        command = ImportRows(
            job_id=self._context.job.job_id,
            sheet=window.place.number,
            importing=self._importing(window.columns),
            wishes=tuple(wishes),
            owners=self._owners,
            author=self._author,
            first_chunk=self._course.so_far["report"]["chunks"],
            last=is_last,
            dry_run=self._options.dry_run,
            known=self._course.left,
        )
        done = await self._course.commit(command, window.account)
        self._touched |= done.touched
        return list(done.waiting)

    def _importing(self, columns: Columns) -> Importing:
        return Importing(
            columns=columns,
            creates=self._options.creates,
            user_id=self._author.user_id,
            owner_id=self._context.job.options.get("owner_id", self._author.user_id),
            now=format_micros(now_micros()),
        )

    async def _broken_off(self, failure: Failure) -> ImportFailed:
        """Note what broke the import off, and return what is to be raised."""
        self._course.so_far = {
            "report": excel_report.to_json(Report()),
            **self._course.so_far,
            "failure": [failure.column, failure.text],
        }
        await self._course.save()
        return ImportFailed(failure.text)


def _passed(
    rows: Iterator[Row], so_far: Mapping[str, Any], columns: Columns, looked: Looked
) -> list[ReadRow]:
    """Pass the rows that were taken before; return those that still wait."""
    last, waiting = so_far["row"], set(so_far["waiting"])
    if last == so_far.get("header_row", 1):
        return []
    found = []
    for row in rows:
        (read,) = read_rows([row], columns, looked)
        if row.number in waiting:
            found.append(read)
        if row.number >= last:
            break
    return found


def _windows(
    rows: Iterator[Row], columns: Columns, looked: Looked
) -> Iterator[list[ReadRow]]:
    """Yield what rows want, the last ones by themselves: none or fewer than others."""
    is_last = False
    while not is_last:
        taken = read_rows(islice(rows, _WINDOW), columns, looked)
        is_last = len(taken) < _WINDOW
        yield taken
