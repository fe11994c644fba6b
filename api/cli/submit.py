"""``caseledger submit``: forms from files, as the receiver would take them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import click

from api.cli.database import opened, the_domain
from api.cli.form_files import FoundForm, find_forms
from api.cli.form_trial import Trial
from api.cli.output import Column, Output, Record
from api.config import Config
from ledger.clock import now_micros
from ledger.commands.submissions import SubmitForm
from ledger.entry import Kind, Receipt, Submission, Upload
from ledger.errors import Malformed
from ledger.forms.form_xml import parse_form
from ledger.store import Store
from ledger.submit import Ledger
from ledger.writer import LedgerWriter
from projections.commit.projector import LiveProjector

_TOGETHER = 200
_BYTES_TOGETHER = 32 * 1024 * 1024
_BAD = (Kind.ERROR, Kind.SUBMISSION_ERROR)
_REFUSED = "refused"
_NO_FORM = (
    "it is no form that somebody filled in: it has neither an instanceID nor a case "
    "block"
)
_COLUMNS = (
    Column("verdict", "verdict"),
    Column("form id", "form_id"),
    Column("file", "file"),
)
_PROBLEM = Column("problem", "problem", lambda text: text or "")


class FormFile(NamedTuple):
    """The bytes of a form, where they were found, and the files that come with it."""

    name: str
    body: bytes
    files: tuple[Upload, ...] = ()

    @property
    def size(self) -> int:
        """Return how many bytes it brings."""
        return len(self.body) + sum(len(file.content) for file in self.files)


def submit(
    config: Config,
    *,
    files: tuple[Path, ...],
    domain: str | None,
    dry_run: bool,
    keep_errors: bool,
    out: Output,
) -> int:
    take = _tried if dry_run else append_forms
    told = _Told()
    with opened(config) as store:
        name = the_domain(store, domain)
        found = map(_read, find_forms(files, left_out=told.leave_out))
        good = found if keep_errors else _only_forms(found, told)
        for number, (form, receipt) in enumerate(take(store, name, good)):
            told.refusals(out, before=number)
            _print(out, told.of(form, receipt))
        told.refusals(out)
    return told.summary(dry_run=dry_run)


class _Told:
    """What is told of the forms, and counted of them."""

    def __init__(self) -> None:
        self.refused = self.kept_as_errors = self.left = 0
        self._waiting: list[tuple[int, Record]] = []

    def leave_out(self, name: str, why: str) -> None:
        """Tell of a file that comes with no form."""
        self.left += 1
        click.echo(f"left out: {name}: {why}", err=True)

    def of(self, form: FormFile, receipt: Receipt) -> Record:
        """Return what is told of a form that was taken."""
        self.kept_as_errors += receipt.kind in _BAD
        return {
            "verdict": receipt.kind.value,
            "form_id": receipt.form_id,
            "file": form.name,
            "problem": receipt.problem,
            "attachments": [file.name for file in form.files],
        }

    def refuse(self, form: FormFile, problem: str, *, behind: int) -> None:
        """Note that a file is no form; so many forms stand before it."""
        self.refused += 1
        record: Record = {
            "verdict": _REFUSED,
            "form_id": None,
            "file": form.name,
            "problem": problem,
            "attachments": [],
        }
        self._waiting.append((behind, record))

    def refusals(self, out: Output, *, before: int | None = None) -> None:
        """Tell of the files that are no forms, all or those before a form."""
        while self._waiting and (before is None or self._waiting[0][0] <= before):
            _print(out, self._waiting.pop(0)[1])

    def summary(self, *, dry_run: bool) -> int:
        """Tell on standard error what the lines do not; return the exit code."""
        if self.left:
            click.echo(f"{self.left} files were left out", err=True)
        if dry_run:
            click.echo("this was a dry run: nothing was written", err=True)
        if self.refused:
            text = (
                f"Error: {self.refused} files are no forms and were refused; "
                f"--keep-errors keeps such in the log"
            )
            click.echo(text, err=True)
        if self.kept_as_errors:
            were = "would be" if dry_run else "were"
            text = f"Error: {self.kept_as_errors} forms {were} kept as errors"
            click.echo(text, err=True)
        return 1 if self.refused or self.kept_as_errors else 0


def _print(out: Output, record: Record) -> None:
    columns = (*_COLUMNS, _PROBLEM) if record["problem"] else _COLUMNS
    out.row(record, columns)


def _only_forms(found: Iterable[FormFile], told: _Told) -> Iterator[FormFile]:
    """Yield the forms, and note the files that are none."""
    count = 0
    for form in found:
        problem = _why_no_form(form.body)
        if problem is None:
            yield form
            count += 1
        else:
            told.refuse(form, problem, behind=count)


def _why_no_form(body: bytes) -> str | None:
    """Return why bytes are no form that somebody filled in, if so."""
    try:
        form = parse_form(body)
    except Malformed as error:
        return str(error)
    is_form = form.form_id is not None or form.blocks or form.ledger_case_ids
    return None if is_form or form.is_device_log or form.rejection else _NO_FORM


def append_forms(
    store: Store, domain: str, forms: Iterable[FormFile]
) -> Iterator[tuple[FormFile, Receipt]]:
    """Append forms to a domain's log, many in a commit; yield what became of each."""
    writer = LedgerWriter(store, Ledger(LiveProjector(), now_micros))
    with asyncio.Runner() as runner:
        runner.run(_start(writer))
        try:
            for batch in _batches(forms):
                receipts = runner.run(_append(writer, domain, batch))
                yield from zip(batch, receipts, strict=True)
        finally:
            runner.run(writer.stop())


def _tried(
    store: Store, domain: str, forms: Iterable[FormFile]
) -> Iterator[tuple[FormFile, Receipt]]:
    """Yield what would become of forms, one after the other; nothing is kept."""
    with closing(Trial(store, domain)) as trial:
        for form in forms:
            if trial.forget_when_full():
                text = f"from {form.name} on, forms are judged without those before"
                click.echo(text, err=True)
            yield form, trial.receipt(_command(form))


def _batches(forms: Iterable[FormFile]) -> Iterator[list[FormFile]]:
    """Yield forms that are committed together: not too many, and not too long."""
    batch: list[FormFile] = []
    for form in forms:
        batch.append(form)
        if len(batch) >= _TOGETHER or sum(f.size for f in batch) >= _BYTES_TOGETHER:
            yield batch
            batch = []
    if batch:
        yield batch


def _read(found: FoundForm) -> FormFile:
    body = found.read()
    return FormFile(found.name, body, tuple(found.beside.of(body)))


async def _start(writer: LedgerWriter) -> None:
    writer.start()


async def _append(
    writer: LedgerWriter, domain: str, forms: list[FormFile]
) -> list[Receipt]:
    receipts: list[Receipt] = await asyncio.gather(
        *(writer.submit(domain, _command(form)) for form in forms)
    )
    return receipts


def _command(form: FormFile) -> SubmitForm:
    submission = Submission(
        body=form.body, attachments=form.files, envelope={"source": "command line"}
    )
    try:
        return SubmitForm(submission=submission, form=parse_form(form.body))
    except Malformed as error:
        return SubmitForm(submission=submission, form=None, problem=str(error))
