"""``caseledger case erase``: the personal data of cases goes, for good."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.output import Output, Record
from api.cli.progress import progress
from api.cli.work import see_through
from api.cli.writing import written
from api.config import Config
from importers.jobs.repack import EraseAndRepack
from importers.jobs.values import Erasure
from ledger.clock import now_micros
from ledger.erasure.erase import EraseCases, search
from ledger.erasure.values import Search
from ledger.errors import LedgerError, NotFound
from ledger.jobs.values import Job, JobState
from ledger.store import Store
from projections.erasure.preview import preview_erasure, unknown_among
from projections.erasure.values import ErasurePreview, FormMeant


def erase(
    config: Config,
    *,
    case_ids: tuple[str, ...],
    domain: str | None,
    reason: str,
    yes: bool,
    dry_run: bool,
    out: Output,
) -> int:
    if not dry_run:
        _check(reason, may_ask=yes or sys.stdin.isatty())
    with opened(config) as store:
        name = the_domain(store, domain)
        found = _search(store, name, case_ids)
        meant = _look(store, name, case_ids, found)
        out.each(_record(meant), _preview(meant))
        if dry_run:
            return 0
        if not yes:
            _ask(case_ids)
        command = EraseCases(
            case_ids=case_ids, author=OPERATOR, reason=reason, found=found
        )
        return _erase(store, name, command, out)


def _check(reason: str, *, may_ask: bool) -> None:
    if not reason.strip():
        text = "give a --reason: it is kept in the log"
        raise click.UsageError(text)
    if not may_ask:
        text = "nobody can be asked here: say --yes if the erasure is meant"
        raise click.UsageError(text)


def _ask(case_ids: Sequence[str]) -> None:
    """Have each id typed; raises a usage error for one that was not."""
    for case_id in case_ids:
        typed = click.prompt(f"This cannot be undone. Type {case_id}", err=True)
        if typed != case_id:
            text = f"'{typed}' is not '{case_id}': nothing was erased"
            raise click.UsageError(text)


def _search(store: Store, domain: str, case_ids: Sequence[str]) -> Search:
    """Search the log before the domain is held; raises ``NotFound``."""
    with progress("searching the log") as move, store.snapshot(domain) as reader:
        found = search(reader, case_ids, progress=move)
        for case_id in unknown_among(reader, case_ids, found):
            text = f"Case '{case_id}' not found"
            raise NotFound(text)
    return found


def _look(
    store: Store, domain: str, case_ids: Sequence[str], found: Search
) -> ErasurePreview:
    with store.snapshot(domain) as reader:
        return preview_erasure(reader, case_ids, found)


def _erase(store: Store, domain: str, command: EraseCases, out: Output) -> int:
    (done,) = written(
        store, domain, [EraseAndRepack(command=command, clock=now_micros)]
    )
    if isinstance(done, LedgerError):
        raise done
    job = see_through(store, (domain, done.job_id))
    summary = dict(_summary(done, job))
    out.each(
        {**summary, "job": job.job_id, "state": job.state},
        [*(f"{name}\t{value}" for name, value in summary.items()), _job(job)],
    )
    if job.state is JobState.DONE:
        return 0
    click.echo(f"Error: the job {job.state}: {job.problem or ''}", err=True)
    return 1


def _preview(found: ErasurePreview) -> Iterator[str]:
    yield f"forms to redact\t{found.form_count}"
    yield from map(_form, found.forms)
    yield f"files to drop\t{len(found.files)}"
    for file in found.files:
        yield f"  {file.name}\t{file.length} bytes"
    yield f"forms that name it and stay\t{found.mentioned_count}"
    yield from map(_form, found.mentioned)


def _form(form: FormMeant) -> str:
    return f"  {form.form_id or '-'}\t{form.state}\tposition {form.position}"


def _record(found: ErasurePreview) -> Record:
    return {
        "forms": [asdict(form) for form in found.forms],
        "form_count": found.form_count,
        "files": [{"name": file.name, "length": file.length} for file in found.files],
        "mentioned": [asdict(form) for form in found.mentioned],
        "mentioned_count": found.mentioned_count,
    }


def _summary(done: Erasure, job: Job) -> Iterator[tuple[str, Any]]:
    yield "erased at position", done.erased.receipt.position
    yield "forms redacted", done.erased.bodies
    yield "files dropped", done.erased.blobs
    yield "dictionaries replaced", (job.result or {}).get("dictionaries", 0)


def _job(job: Job) -> str:
    return f"job\t{job.job_id}\t{job.state}"
