"""``caseledger case delete|restore|rebuild``: a case is flagged, or folded anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output, Record
from api.cli.writing import written
from api.config import Config
from ledger.commands.form_states import FlagCases, RebuildCases
from ledger.entry import Kind, Receipt
from ledger.errors import LedgerError
from ledger.submit import Command

_COLUMNS = (Column("id", "case_id"), Column("became", "became"))
_FAILED = (*_COLUMNS, Column("problem", "problem"))


def delete(config: Config, /, **asked: Any) -> int:
    return _each(config, _flag(Kind.CASE_DELETE), **asked)


def restore(config: Config, /, **asked: Any) -> int:
    return _each(config, _flag(Kind.CASE_RESTORE), **asked)


def rebuild(config: Config, /, **asked: Any) -> int:
    return _each(config, _rebuild, **asked)


def _flag(kind: Kind) -> Callable[[str, str], Command]:
    def command(case_id: str, reason: str) -> Command:
        return FlagCases(case_ids=(case_id,), kind=kind, author=OPERATOR, reason=reason)

    return command


def _rebuild(case_id: str, reason: str) -> Command:
    return RebuildCases(case_ids=(case_id,), author=OPERATOR, reason=reason)


def _each(
    config: Config,
    command: Callable[[str, str], Command],
    *,
    case_ids: tuple[str, ...],
    domain: str | None,
    reason: str,
    out: Output,
) -> int:
    """Run a command for each case and print a line for it; return the exit code."""
    commands = (command(case_id, reason) for case_id in case_ids)
    failed = 0
    with opened(config) as store:
        outcomes = written(store, the_domain(store, domain), commands)
        for case_id, outcome in zip(case_ids, outcomes, strict=True):
            failed += isinstance(outcome, LedgerError)
            record = _record(case_id, outcome)
            out.row(record, _COLUMNS if record["problem"] is None else _FAILED)
    if failed:
        click.echo(f"Error: {failed} of {len(case_ids)} cases failed", err=True)
    return 1 if failed else 0


def _record(case_id: str, outcome: Receipt | LedgerError) -> Record:
    """Return what became of a case."""
    problem = str(outcome) if isinstance(outcome, LedgerError) else None
    became = "failed"
    if not isinstance(outcome, LedgerError):
        became = "unchanged" if outcome.position is None else "changed"
    return {"case_id": case_id, "became": became, "problem": problem}
