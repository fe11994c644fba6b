"""``caseledger import haplo``: a batch of files, read as a control file says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from api.cli.database import OPERATOR, opened, the_domain
from api.cli.import_told import NoOwner, warn
from api.cli.new_file import new_file
from api.cli.output import Output
from api.cli.people import the_owner
from api.cli.work import see_through
from api.config import Config
from importers.haplo.batches import (
    UNNAMED_BATCH,
    check_control,
    listed_names,
    log_of,
    name_of,
    schedule,
    sets_owners,
)
from importers.haplo.failed import write_messages
from importers.jobs.turns import HAPLO
from ledger.clock import now_micros
from ledger.errors import Conflict
from ledger.imports import batches
from ledger.imports.results import outcomes_of, rows_with_messages
from ledger.imports.values import Batch, BatchState, NewFile, Outcome
from ledger.jobs.values import Job
from ledger.store import Store


def haplo(
    config: Config,
    /,
    files: Sequence[str],
    *,
    control: Path,
    domain: str | None,
    owner: str | None,
    failed_rows: Path | None,
    out: Output,
    **about: Any,
) -> int:
    says = control.read_bytes()
    check_control(says)
    new = _new_files(files, listed_names(says))
    with opened(config) as store, ExitStack() as stack:
        failed = (
            None if failed_rows is None else stack.enter_context(new_file(failed_rows))
        )
        added = _enqueue(
            store,
            the_domain(store, domain),
            says,
            files=new,
            comments=(control.name, about["comment"] or UNNAMED_BATCH),
            owner=owner,
            dry_run=about["dry_run"],
        )
        job = see_through(store, added.key)
        if failed is not None:
            with store.snapshot(job.domain) as reader:
                write_messages(rows_with_messages(reader, HAPLO, job.job_id), failed)
        return _tell(store, job, out)


def _new_files(given: Sequence[str], listed: Collection[str]) -> list[NewFile]:
    """Return the files of the command line; raises for those that cannot be read."""
    named = [_named(one, listed) for one in given]
    counts = Counter(name for name, _ in named)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        raise Conflict(f"Duplicate file names: {', '.join(twice)}")
    return [
        NewFile(name=name, file_name=path.name, content=path.read_bytes())
        for name, path in named
    ]


def _named(given: str, listed: Collection[str]) -> tuple[str, Path]:
    """Return the name and the path of ``NAME=FILE`` or ``FILE``."""
    name, equals, place = given.partition("=")
    path = Path(given)
    if equals and name and not path.exists():
        path = Path(place)
    else:
        name = name_of(path.name, listed)
    if not path.is_file():
        raise click.UsageError(f"File '{path}' does not exist.")
    return name, path


def _enqueue(
    store: Store,
    domain: str,
    control: bytes,
    *,
    files: Sequence[NewFile],
    comments: tuple[str, str],
    owner: str | None,
    dry_run: bool,
) -> Job:
    """Add the batch and its job in one commit; the comments are of control, batch.

    Raises a usage error when nobody and nothing says whom cases belong to.
    """
    if owner is None and not sets_owners(control):
        raise NoOwner
    now = now_micros()
    with store.writing(domain) as writer:
        owner_id = "" if owner is None else the_owner(writer, owner)
        kept = batches.put_control(
            writer, control, comment=comments[0], author=OPERATOR, now=now
        )
        batch = batches.create_batch(
            writer, kept, comment=comments[1], author=OPERATOR, now=now
        )
        state = BatchState.UPLOADING
        batches.add_files(writer, batch.identifier, files, state=state)
        return schedule(
            writer,
            batch.identifier,
            state=state,
            dry_run=dry_run,
            author=OPERATOR,
            now=now,
            owner_id=owner_id,
        )


def _tell(store: Store, job: Job, out: Output) -> int:
    """Print what became of the records; return the exit code."""
    with store.snapshot(job.domain) as reader:
        batch = batches.get_batch(reader, job.job_id)
        outcomes = outcomes_of(reader, HAPLO, job.job_id)
        log = log_of(reader, batch)
    counts = dict(_summary(batch, outcomes))
    warnings = job.progress.get("notices", ())
    document = {
        **{name.replace(" ", "_"): value for name, value in counts.items()},
        "problem": job.problem,
        "warnings": warnings,
        "log": (log or "").splitlines(),
    }
    out.document(document, (f"{name}\t{value}" for name, value in counts.items()))
    warn(warnings)
    if batch.errors or batch.state is BatchState.ERROR:
        click.echo(log, err=True)
    lost = outcomes[Outcome.ABORTED] + outcomes[Outcome.FAILED]
    return 1 if lost or batch.state is BatchState.ERROR else 0


def _summary(batch: Batch, outcomes: dict[Outcome, int]) -> Iterator[tuple[str, Any]]:
    yield "job", batch.identifier
    yield "state", batch.state.value
    if batch.state is BatchState.DRY_RUN:
        yield "dry run", "nothing was written"
    yield "records", sum(outcomes.values())
    for outcome, count in outcomes.items():
        yield outcome.value, count
    yield "errors", batch.errors
