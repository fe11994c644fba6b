"""Spreadsheets for tests: CSV and workbooks in memory, and imports of them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from io import BytesIO, StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import openpyxl

from importers.excel.job import enqueue_import, import_excel
from importers.excel.rules.options import ExcelOptions, Sheet
from importers.excel.rules.report import row_numbers
from importers.jobs.turns import EXCEL
from ledger.bodies import file_to_store
from ledger.entry import Author
from ledger.jobs.values import Job
from ledger.store import Store
from tests.kit import build
from tests.kit.jobs import job_of, working

IMPORTER = Author(user_id=build.USER, username="amina")


def a_csv(*rows: Sequence[Any]) -> bytes:
    """Return rows, header first, as CSV."""
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def an_xlsx(**sheets: Iterable[Sequence[Any]]) -> bytes:
    """Return a workbook with these sheets."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def wanted(**fields: Any) -> ExcelOptions:
    """Return what an upload asks for: patients that may be created."""
    fields = {"case_type": "patient", "create": True} | fields
    sheet = Sheet(title="Sheet1", case_type=fields["case_type"])
    return ExcelOptions(**({"sheets": (sheet,)} | fields))


def enqueue(
    store: Store,
    content: bytes,
    options: ExcelOptions | None = None,
    *,
    name: str = "cases.csv",
    now: int = build.NOW,
    author: Author = IMPORTER,
) -> Job:
    """Add the job of an import."""
    with NamedTemporaryFile() as kept, store.writing(build.DOMAIN) as writer:
        kept.write(content)
        kept.flush()
        file = file_to_store(Path(kept.name), name)
        return enqueue_import(writer, options or wanted(), file, author=author, now=now)


async def imported(
    store: Store,
    content: bytes,
    *,
    name: str = "cases.csv",
    author: Author = IMPORTER,
    **fields: Any,
) -> Job:
    """Import a file and return its job when it has ended."""
    job = enqueue(store, content, wanted(**fields), name=name, author=author)
    async with working(store, {EXCEL: import_excel}) as worker:
        await worker.see_through(job.key)
    return job_of(store, job)


async def imported_rows(store: Store, *rows: Sequence[Any], **fields: Any) -> Job:
    """Import rows, header first, from a CSV."""
    return await imported(store, a_csv(*rows), **fields)


def made(store: Store, case_id: str, **create: Any) -> None:
    """Make a case by hand."""
    external_id = create.pop("external_id", None)
    update = {"external_id": external_id} if external_id else None
    block = build.a_create(case_id, create=create, update=update)
    build.submit(store, build.a_form([block]), domain=build.DOMAIN)


def counts(job: Job) -> tuple[int, int, int, int, int]:
    """Return created, updated, failed, skipped and forms of a job."""
    report = job.progress["report"]
    skipped = report["blank"] + report["unmatched"]
    return (
        report["created"],
        report["updated"],
        report["failed"],
        skipped,
        report["chunks"],
    )


def errors(job: Job) -> list[tuple[str, str, list[int]]]:
    """Return title, column and rows of each group of errors."""
    return [
        (e["title"], e["column"], list(row_numbers(e["rows"])))
        for e in job.progress["report"]["errors"]
    ]
