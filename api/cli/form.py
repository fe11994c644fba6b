"""``caseledger form``: one form and its life, and whether it counts."""

from __future__ import annotations

from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Column, Output, echo_json
from api.cli.writing import written
from api.config import Config
from api.wire.forms import render_form, render_outcome
from ledger.commands.form_states import ChangeForms
from ledger.entry import Kind
from projections.forms.values import FormView
from projections.forms.view import form_bytes, look_at_form

_COLUMNS = (
    Column("id", "form_id"),
    Column("state", "state", lambda state: state or "unknown"),
    Column("changed", "changed", lambda is_so: "changed" if is_so else "unchanged"),
)
_FAILED = (*_COLUMNS, Column("problem", "problem"))


def show(config: Config, *, form_id: str, domain: str | None) -> None:
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        echo_form(look_at_form(reader, form_id))


def echo_form(view: FormView) -> None:
    """Print a form as JSON."""
    echo_json(render_form(view, base=""))


def xml(config: Config, *, form_id: str, domain: str | None) -> None:
    with opened(config) as store, store.snapshot(the_domain(store, domain)) as reader:
        body = form_bytes(reader, form_id)
    click.echo(body, nl=False)


def archive(config: Config, /, **asked: Any) -> int:
    return _change(config, Kind.ARCHIVE, **asked)


def unarchive(config: Config, /, **asked: Any) -> int:
    return _change(config, Kind.UNARCHIVE, **asked)


def delete(config: Config, /, **asked: Any) -> int:
    return _change(config, Kind.FORM_DELETE, **asked)


def restore(config: Config, /, **asked: Any) -> int:
    return _change(config, Kind.FORM_RESTORE, **asked)


def reprocess(config: Config, /, **asked: Any) -> int:
    return _change(config, Kind.REPROCESS, **asked)


def _change(
    config: Config,
    kind: Kind,
    *,
    form_ids: tuple[str, ...],
    domain: str | None,
    reason: str,
    out: Output,
) -> int:
    """Change forms and print a line for each; return the exit code."""
    commands = (
        ChangeForms(
            form_ids=(form_id,),
            kind=kind,
            author=OPERATOR,
            reason=reason,
            strict=False,
        )
        for form_id in form_ids
    )
    failed = 0
    with opened(config) as store:
        for [outcome] in written(store, the_domain(store, domain), commands):
            failed += outcome.problem is not None
            columns = _COLUMNS if outcome.problem is None else _FAILED
            out.row(render_outcome(outcome), columns)
    if failed:
        click.echo(f"Error: {failed} of {len(form_ids)} forms failed", err=True)
    return 1 if failed else 0
