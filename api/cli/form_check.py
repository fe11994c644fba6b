"""``caseledger form check``: why a form is refused, or would be, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.commands.form_check import FORM, RESPONSE
from api.cli.form_files import FormTooLarge, FoundForm, UnreadableForm, find_forms
from api.cli.output import Output, Record
from api.config import Config
from api.receiver.limits import TOO_LARGE
from ledger.errors import LedgerError
from ledger.forms.check import Finding, Weight, check_form, check_response, refusal
from ledger.forms.names import printable
from ledger.forms.places import NOWHERE

if TYPE_CHECKING:
    from api.cli.form_trial import Trial

_OK = "ok"
_ESCAPES = {ord("\t"): "\\t", ord("\n"): "\\n", ord("\r"): "\\r"}
_BY_THEMSELVES = (
    "the forms were checked by themselves: --domain D also asks what a domain says"
)


@dataclass(slots=True)
class _Count:
    """How many documents were looked at, and how many were not good."""

    checked: int = 0
    refused: int = 0
    unreadable: int = 0


def check(
    config: Config,
    *,
    files: tuple[Path, ...],
    domain: str | None,
    attachments: tuple[str, ...],
    kind: str,
    out: Output,
) -> int:
    _check_usage(kind, domain, attachments)
    count = _Count()
    with ExitStack() as stack:
        trial = None
        if domain is not None:
            # Forms by themselves are checked without a database, and without its code.
            trying = import_module("api.cli.form_trial").tried_in
            trial = stack.enter_context(trying(config, domain, attachments))
        for found in find_forms(files):
            for record in _records(found, kind, trial, count):
                out.each(record, [_line(record)])
    return _summary(count, kind, domain)


def _check_usage(kind: str, domain: str | None, attachments: tuple[str, ...]) -> None:
    if kind == RESPONSE and domain is not None:
        text = "--domain is for forms: a domain has nothing to say to a response"
        raise click.UsageError(text)
    if attachments and domain is None:
        text = "--attachment needs --domain D"
        raise click.UsageError(text)


def _records(
    found: FoundForm, kind: str, trial: Trial | None, count: _Count
) -> Iterator[Record]:
    """Yield what is told of one file; one that cannot be read is told on stderr."""
    name = _shown(found.name)
    try:
        findings = list(_findings(found, kind, trial))
    except OSError as error:
        count.unreadable += 1
        click.echo(f"Error: {name}: {error.strerror or error}", err=True)
        return
    except UnreadableForm as error:
        count.unreadable += 1
        click.echo(f"Error: {_shown(str(error))}", err=True)
        return
    count.checked += 1
    count.refused += any(finding.weight is Weight.REFUSED for finding in findings)
    if not findings:
        yield {"verdict": _OK, "file": name}
    for finding in findings:
        path, line = finding.place
        yield {
            "verdict": finding.weight,
            "file": name,
            "line": line,
            "path": path,
            "text": finding.told,
        }


def _line(record: Record) -> str:
    """Return what is told of one finding, or of a file without one."""
    if record["verdict"] == _OK:
        return f"{_OK}\t{record['file']}"
    line = "" if record["line"] is None else str(record["line"])
    text = _shown(record["text"])
    return "\t".join(
        (record["verdict"], record["file"], line, _shown(record["path"]), text)
    )


def _findings(found: FoundForm, kind: str, trial: Trial | None) -> Iterable[Finding]:
    try:
        body = found.read()
    except FormTooLarge:
        return [refusal(NOWHERE, TOO_LARGE)]
    if kind == RESPONSE:
        return check_response(body)
    checked = check_form(body)
    if trial is None:
        return checked.findings
    if trial.forget_when_full():
        text = f"from {_shown(found.name)} on, forms are judged without those before"
        click.echo(text, err=True)
    return [*checked.findings, *trial.findings(body, checked, found.beside.of(body))]


def _shown(text: str) -> str:
    """Return a text as a field of a line may hold it."""
    return printable(text).translate(_ESCAPES)


def _summary(count: _Count, kind: str, domain: str | None) -> int:
    """Tell on stderr what the lines do not; return the exit code.

    Raises ``LedgerError`` if there was nothing to check.
    """
    if kind == FORM and domain is None:
        click.echo(_BY_THEMSELVES, err=True)
    if not count.checked + count.unreadable:
        text = "there is no form in what was named"
        raise LedgerError(text)
    if count.refused:
        told = f"{count.refused} of {count.checked} {kind}s would be refused"
        click.echo(f"Error: {told}", err=True)
    return 1 if count.refused or count.unreadable else 0
