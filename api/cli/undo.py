"""``caseledger undo``: take back what a form, a job or a user did."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
import orjson

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Output
from api.cli.work import see_through
from api.config import Config
from api.undo.trying import try_undo
from api.undo.wire import preview_to_wire
from api.wire.case_changes import wire_name
from api.wire.jobs import to_wire
from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger.clock import now_micros
from ledger.jobs.values import Job, JobState
from ledger.times import Micros
from projections.rule.case_changes import Value
from projections.undo.values import CasePreview, UndoPreview


def undo(
    config: Config,
    *,
    form_id: str | None,
    job_id: str | None,
    user: str | None,
    since: Micros | None,
    until: Micros | None,
    domain: str | None,
    reason: str,
    dry_run: bool,
    out: Output,
) -> int:
    _check(form_id, job_id, user, given=[t for t in (since, until) if t is not None])
    wish = UndoRequest(
        form_id=form_id,
        job_id=job_id,
        user=user,
        since=since or 0,
        until=until or 0,
        reason=reason,
    )
    if dry_run:
        return _try(config, domain, wish, out)
    return _undo(config, domain, wish, out)


def _check(*whose: str | None, given: list[Micros]) -> None:
    if sum(one is not None for one in whose) != 1:
        text = "give one of --form, --job and --user"
        raise click.UsageError(text)
    if len(given) != (0 if whose[-1] is None else 2):
        text = "give --from and --to with --user, and only then"
        raise click.UsageError(text)
    if given != sorted(given):
        text = "--to must not be before --from"
        raise click.UsageError(text)


def _try(config: Config, domain: str | None, wish: UndoRequest, out: Output) -> int:
    with opened(config) as store:
        found = try_undo(store, the_domain(store, domain), wish)
    out.document(preview_to_wire(found), _preview(found))
    return 0


def _undo(config: Config, domain: str | None, wish: UndoRequest, out: Output) -> int:
    with opened(config) as store:
        with store.writing(the_domain(store, domain)) as writer:
            job = enqueue_undo(writer, wish, author=OPERATOR, clock=now_micros)
        job = see_through(store, job.key)
    out.document(to_wire(job), (f"{name}\t{value}" for name, value in _summary(job)))
    if job.state is JobState.DONE:
        return 0
    click.echo(f"Error: the job {job.state}: {job.problem or ''}", err=True)
    return 1


def _summary(job: Job) -> Iterator[tuple[str, Any]]:
    result = job.result or job.progress
    yield "job", job.job_id
    yield "state", job.state
    yield from result.get("changed", {}).items()
    yield "skipped", result.get("skipped", 0)
    for kind, count in result.get("left", {}).items():
        yield f"left ({kind})", count
    for problem in result.get("problems", ()):
        yield f"skipped {problem['form_id']}", problem["problem"]


def _preview(found: UndoPreview) -> Iterator[str]:
    for kind, count in found.forms.items():
        yield f"forms to {kind}\t{count}"
    yield f"forms to skip\t{found.skipped_count}"
    for left, count in found.left.items():
        yield f"left ({left})\t{count}"
    for word, count in found.cases.items():
        yield f"cases {word}\t{count}"
    yield f"cases that later forms speak of too\t{found.overlapping}"
    if found.truncated:
        yield "there are more forms than were tried"
    for case in found.detailed:
        yield from _case(case)


def _case(case: CasePreview) -> Iterator[str]:
    yield f"{case.case_id} {case.becomes}"
    for change in case.changes:
        name, old, new = wire_name(change.name), _text(change.old), _text(change.new)
        yield f"  {name}: {old} -> {new}"
    for overlap in case.overlaps:
        names = ", ".join(map(wire_name, overlap.names))
        yield f"  later form {overlap.form_id}: {names}"


def _text(value: Value) -> str:
    return "(none)" if value is None else orjson.dumps(value).decode()
