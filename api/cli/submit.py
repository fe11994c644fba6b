"""``caseledger submit``: forms from files, appended as the receiver would."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import click

from api.cli.database import opened, the_domain
from api.cli.form_files import FoundForm, find_forms
from api.cli.options import domain_option
from api.config import Config
from ledger.clock import now_micros
from ledger.commands.submissions import SubmitForm
from ledger.entry import Kind, Receipt, Submission
from ledger.errors import Malformed
from ledger.forms.form_xml import parse_form
from ledger.store import Store
from ledger.submit import Ledger
from ledger.writer import LedgerWriter
from projections.commit.projector import LiveProjector

_TOGETHER = 200
_GOOD = (
    Kind.NORMAL,
    Kind.EDIT,
    Kind.COMPLETE,
    Kind.DUPLICATE,
    Kind.DEVICE_LOG,
)


class FormFile(NamedTuple):
    """The bytes of a form and where they were found."""

    name: str
    body: bytes


@click.command()
@click.argument(
    "files",
    nargs=-1,
    required=True,
    metavar="FILE.xml...",
    type=click.Path(exists=True, allow_dash=True, path_type=Path),
)
@domain_option("The forms' domain")
@click.pass_obj
def submit(config: Config, *, files: tuple[Path, ...], domain: str | None) -> int:
    """Append XForm files to the log as the receiver would.

    A folder stands for the .xml files in it, a .zip for those in the archive, - for
    standard input. Prints a line for each form: its verdict, its id, its file and, if
    it has one, its problem.
    """
    kept_as_errors = 0
    with opened(config) as store:
        name = the_domain(store, domain)
        for form, receipt in append_forms(store, name, map(_read, find_forms(files))):
            kept_as_errors += receipt.kind not in _GOOD
            problem = f"\t{receipt.problem}" if receipt.problem else ""
            click.echo(f"{receipt.kind}\t{receipt.form_id}\t{form.name}{problem}")
    if kept_as_errors:
        click.echo(f"Error: {kept_as_errors} forms were kept as errors", err=True)
    return 1 if kept_as_errors else 0


def append_forms(
    store: Store, domain: str, forms: Iterable[FormFile]
) -> Iterator[tuple[FormFile, Receipt]]:
    """Append forms to a domain's log, many in a commit; yield what became of each."""
    waiting = iter(forms)
    writer = LedgerWriter(store, Ledger(LiveProjector(), now_micros))
    with asyncio.Runner() as runner:
        runner.run(_start(writer))
        try:
            while batch := list(islice(waiting, _TOGETHER)):
                receipts = runner.run(_append(writer, domain, batch))
                yield from zip(batch, receipts, strict=True)
        finally:
            runner.run(writer.stop())


def _read(found: FoundForm) -> FormFile:
    return FormFile(found.name, found.read())


async def _start(writer: LedgerWriter) -> None:
    writer.start()


async def _append(
    writer: LedgerWriter, domain: str, forms: list[FormFile]
) -> list[Receipt]:
    commands = [_command(form.body) for form in forms]
    receipts: list[Receipt] = await asyncio.gather(
        *(writer.submit(domain, command) for command in commands)
    )
    return receipts


def _command(body: bytes) -> SubmitForm:
    submission = Submission(body=body, envelope={"source": "command line"})
    try:
        return SubmitForm(submission=submission, form=parse_form(body))
    except Malformed as error:
        return SubmitForm(submission=submission, form=None, problem=str(error))
