"""Jobs: work that goes on after the request that asked for it, one row each.

A worker claims a job with a lease. What a chunk of the work appends commits together
with the progress of the job (``step.py``), and only while the lease is held; so a
worker that died, or was thought dead, repeats nothing and loses nothing. A lease that
ran out makes the job ready again: that is the whole recovery.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import and_, bindparam, case, func, null, or_, select, update

from ledger.errors import Conflict, NotFound
from ledger.forms.names import is_legal
from ledger.ids import new_id
from ledger.jobs.values import (
    ENDED,
    Job,
    JobCancelled,
    JobFilter,
    JobKey,
    JobState,
    LeaseLost,
    OpenJob,
)
from ledger.log import record_directory
from ledger.stated import decides_nothing, state_row
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import Row
from ledger.store import Reader, Writer
from ledger.tables import jobs
from ledger.times import Micros

MOST_ATTEMPTS = 5
"""How often a job is taken up without getting any further before it has failed."""

_GIVEN_UP = (
    f"given up: the job was taken up {MOST_ATTEMPTS} times without getting any "
    f"further; each time its worker died or lost the database"
)


_ASKED_FOR = {JobState.CANCELLED: 1, JobState.INTERRUPTED: 2}
"""What ``cancel_asked`` says of how the job is to end."""

_THIS = and_(jobs.c.domain == bindparam("d"), jobs.c.job_id == bindparam("j"))
_HELD = and_(_THIS, jobs.c.lease == bindparam("held"))
_ENDING: dict[str, Any] = {
    "ready_on": null(),
    "lease": null(),
    "finished_on": bindparam("now"),
}

_AS_ASKED = case(
    (
        jobs.c.cancel_asked == _ASKED_FOR[JobState.INTERRUPTED],
        JobState.INTERRUPTED.value,
    ),
    else_=JobState.CANCELLED.value,
)

_ONE = Statement(select(*jobs.columns).where(_THIS))
_LOCK = Statement(select(*jobs.columns).where(_THIS).with_for_update())
_LOCK_READY = Statement(
    select(jobs.c.domain, jobs.c.job_id)
    .where(jobs.c.ready_on <= bindparam("now"))
    .order_by(jobs.c.ready_on)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_OPEN = Statement(
    select(
        jobs.c.domain,
        jobs.c.job_id,
        jobs.c.kind,
        jobs.c.created_on,
        jobs.c.ready_on,
        jobs.c.options,
    )
    .where(jobs.c.ready_on >= 0)
    .order_by(jobs.c.ready_on)
)
_TAKE = Statement(
    update(jobs)
    .where(_THIS)
    .values(
        state=JobState.RUNNING.value,
        lease=bindparam("taken"),
        ready_on=bindparam("until"),
        attempts=jobs.c.attempts + 1,
        started_on=func.coalesce(jobs.c.started_on, bindparam("now")),
    )
)
_HOLD = Statement(
    update(jobs)
    .where(_HELD)
    .values(ready_on=bindparam("until"))
    .returning(jobs.c.cancel_asked)
)
_ADVANCE = Statement(
    update(jobs)
    .where(_HELD)
    .values(
        progress=bindparam("so_far"),
        attempts=1,
        first_position=func.coalesce(jobs.c.first_position, bindparam("first")),
        last_position=bindparam("last"),
    )
)
_STOP = Statement(
    update(jobs)
    .where(_HELD)
    .values(state=_AS_ASKED, **_ENDING)
    .returning(jobs.c.job_id)
)
_STOP_UNHELD = Statement(update(jobs).where(_THIS).values(state=_AS_ASKED, **_ENDING))
_FINISH = Statement(
    update(jobs)
    .where(_HELD)
    .values(
        state=bindparam("ended"),
        result=bindparam("outcome"),
        problem=bindparam("why"),
        **_ENDING,
    )
    .returning(jobs.c.job_id)
)
_END = Statement(
    update(jobs)
    .where(_THIS)
    .values(state=bindparam("ended"), problem=bindparam("why"), **_ENDING)
)
_RELEASE = Statement(
    update(jobs)
    .where(_HELD)
    .values(
        state=JobState.QUEUED.value,
        lease=null(),
        ready_on=bindparam("again_on"),
        attempts=jobs.c.attempts - 1,
    )
)
_ASK_STOP = Statement(update(jobs).where(_THIS).values(cancel_asked=bindparam("how")))
_AGAIN = Statement(
    update(jobs)
    .where(_THIS)
    .values(
        state=JobState.QUEUED.value,
        ready_on=bindparam("now"),
        problem=null(),
        attempts=0,
        cancel_asked=0,
        finished_on=null(),
    )
)


def enqueue(
    w: Writer,
    *,
    kind: str,
    options: Mapping[str, Any],
    user_id: str,
    now: Micros,
    job_id: str | None = None,
) -> Job:
    """Add a job, or return the one that has this id already.

    The files that the job is about belong into the same transaction. ``options`` must
    hold no secret. An entry of the log states the job, and whatever else was put to be
    stated; so it must be the last that is appended.
    """
    key = (w.domain, job_id or new_id())
    if job_id is not None and (known := w.conn.row(_ONE, d=w.domain, j=job_id)):
        return _job(known)
    row = (
        *key,
        kind,
        JobState.QUEUED.value,
        user_id,
        _dump(options),
        "{}",
        None,
        None,
        0,
        0,
        now,
        None,
        None,
        None,
        now,
        None,
        None,
    )
    w.conn.insert(jobs, [row])
    job = get_job(w.conn, key)
    tell(w, "job added", job, user_id=user_id, now=now)
    return job


def tell(w: Writer, action: str, job: Job, *, user_id: str, now: Micros) -> None:
    """Append an entry that states what a job is asked for, and that somebody did that.

    None of a job that decides nothing, unless there is more to be stated with it.
    """
    if decides_nothing(job.kind, job.options) and not w.stated:
        return
    state_row(w, jobs, {**asdict(job), "options": _dump(job.options)})
    about = {"job_id": job.job_id, "job_kind": job.kind}
    record_directory(w, action, about, user_id=user_id, now=now)


def get_job(conn: Connection, key: JobKey) -> Job:
    """Return a job; raises ``NotFound``."""
    return _found(conn, _ONE, key)


def list_jobs(
    r: Reader,
    asked: JobFilter,
    *,
    limit: int,
    before: tuple[Micros, str] | None = None,
) -> list[Job]:
    """Return the newest jobs that match, behind the time and id of a page's last one.

    Served by ``ix_jobs_created``.
    """
    given = {"kind": asked.kind, "state": asked.state}
    params: dict[str, Any] = {n: value for n, value in given.items() if value}
    names = tuple(params)
    if before is not None:
        params |= {"created_on": before[0], "job_id": before[1]}
    statement = _page(names, behind=before is not None)
    rows = r.conn.rows(statement, domain=r.domain, limit=limit, **params)
    return [_job(row) for row in rows]


def open_jobs(conn: Connection) -> list[OpenJob]:
    """Return the jobs of all domains that have not ended: a marked fan-out.

    Those that wait longest come first. Served by ``ix_jobs_ready``: they are few, and
    those of a domain may be many. Takes no lock, so that asking often costs little.
    """
    return [OpenJob(*row) for row in conn.rows(_OPEN)]


def claim(conn: Connection, *, now: Micros, until: Micros) -> Job | None:
    """Take up the job of any domain that is ready for the longest time.

    A marked fan-out; needs a write transaction. The lease ends at ``until``. Jobs that
    nobody should take up any more are ended on the way.
    """
    while (key := conn.row(_LOCK_READY, now=now)) is not None:
        job = _take(conn, get_job(conn, (key[0], key[1])), now=now, until=until)
        if job is not None:
            return job
    return None


def claim_one(
    conn: Connection, key: JobKey, *, now: Micros, until: Micros
) -> Job | None:
    """Take up this job if it is ready; raises ``NotFound``."""
    job = _locked(conn, key)
    if job.ready_on is None or job.ready_on > now:
        return None
    return _take(conn, job, now=now, until=until)


def renew(conn: Connection, job: Job, *, until: Micros) -> None:
    """Hold a claimed job longer; what is written with it is written by its holder.

    Raises ``LeaseLost`` when another worker has the job, ``JobCancelled`` when it
    should be stopped.
    """
    row = conn.row(_HOLD, **_held(job), until=until)
    if row is None:
        raise LeaseLost(f"another worker has job {job.job_id} now")
    if row[0]:
        raise JobCancelled(f"job {job.job_id} was cancelled")


def advance(w: Writer, job: Job, progress: Mapping[str, Any], *, first: int) -> None:
    """Save how far a held job is; the head stands behind what it just appended."""
    w.conn.run(
        _ADVANCE,
        **_held(job),
        so_far=_dump(progress),
        first=first,
        last=w.head.position,
    )


def finish(
    conn: Connection, job: Job, *, result: Mapping[str, Any], now: Micros
) -> None:
    """End a held job well; raises ``LeaseLost``."""
    _end_held(conn, job, JobState.DONE, outcome=_dump(result), why=None, now=now)


def fail(conn: Connection, job: Job, *, problem: str, now: Micros) -> None:
    """End a held job with a text that says what went wrong; raises ``LeaseLost``."""
    _end_held(conn, job, JobState.FAILED, outcome=None, why=problem, now=now)


def stop(conn: Connection, job: Job, *, now: Micros) -> None:
    """End a held job as somebody asked, cancelled if not; raises ``LeaseLost``."""
    _check_held(conn.row(_STOP, **_held(job), now=now), job)


def give_back(conn: Connection, job: Job, *, again_on: Micros) -> None:
    """Let another worker go on with a held job from then; this was no attempt."""
    conn.run(_RELEASE, **_held(job), again_on=again_on)


def cancel(conn: Connection, key: JobKey, *, now: Micros) -> Job:
    """Stop a job: at once while it waits, after its present chunk while it runs.

    Needs a write transaction. To cancel a cancelled job changes nothing. Raises
    ``NotFound``, and ``Conflict`` when the job has ended otherwise.
    """
    job = _locked(conn, key)
    if job.state in {JobState.DONE, JobState.FAILED}:
        raise Conflict(f"Job {job.job_id} has ended ({job.state}); nothing to cancel")
    if job.state is not JobState.CANCELLED:
        _stop_soon(conn, job, JobState.CANCELLED, now=now)
    return get_job(conn, key)


def interrupt(conn: Connection, key: JobKey, *, now: Micros) -> Job:
    """Stop a job as ``cancel`` does, but as one that was only interrupted.

    Needs a write transaction. Leaves a job alone that has ended. Raises ``NotFound``.
    """
    job = _locked(conn, key)
    if not job.has_ended:
        _stop_soon(conn, job, JobState.INTERRUPTED, now=now)
    return get_job(conn, key)


def retry(conn: Connection, key: JobKey, *, now: Micros) -> Job:
    """Let a failed, cancelled or interrupted job go on from where it stopped.

    Needs a write transaction. Raises ``NotFound``, and ``Conflict`` when the job is
    done or has not ended yet.
    """
    job = _locked(conn, key)
    if job.state not in ENDED - {JobState.DONE}:
        raise Conflict(f"Job {job.job_id} is {job.state}; nothing to retry")
    conn.run(_AGAIN, d=job.domain, j=job.job_id, now=now)
    return get_job(conn, key)


def _take(conn: Connection, job: Job, *, now: Micros, until: Micros) -> Job | None:
    if job.cancel_asked:
        conn.run(_STOP_UNHELD, d=job.domain, j=job.job_id, now=now)
        return None
    if job.attempts >= MOST_ATTEMPTS:
        _end(conn, job, JobState.FAILED, why=_GIVEN_UP, now=now)
        return None
    conn.run(_TAKE, d=job.domain, j=job.job_id, taken=new_id(), until=until, now=now)
    return get_job(conn, job.key)


def _stop_soon(conn: Connection, job: Job, end: JobState, *, now: Micros) -> None:
    """Have a job end so: after its present chunk if it runs, else at once."""
    if job.state is JobState.RUNNING:
        conn.run(_ASK_STOP, d=job.domain, j=job.job_id, how=_ASKED_FOR[end])
    else:
        _end(conn, job, end, why=None, now=now)


def _end(
    conn: Connection, job: Job, state: JobState, *, why: str | None, now: Micros
) -> None:
    conn.run(_END, d=job.domain, j=job.job_id, ended=state.value, why=why, now=now)


def _end_held(conn: Connection, job: Job, state: JobState, **values: Any) -> None:
    _check_held(conn.row(_FINISH, **_held(job), ended=state.value, **values), job)


def _check_held(row: Row | None, job: Job) -> None:
    if row is None:
        raise LeaseLost(f"another worker has job {job.job_id} now")


def _held(job: Job) -> dict[str, str | None]:
    return {"d": job.domain, "j": job.job_id, "held": job.lease}


def _locked(conn: Connection, key: JobKey) -> Job:
    return _found(conn, _LOCK, key)


def _found(conn: Connection, statement: Statement, key: JobKey) -> Job:
    """Return a job; an id that no job can have is not even looked for."""
    domain, job_id = key
    row = conn.row(statement, d=domain, j=job_id) if is_legal(job_id) else None
    if row is None:
        raise NotFound(f"Job '{job_id}' not found")
    return _job(row)


def _job(row: Row) -> Job:
    values = dict(zip(_NAMES, row, strict=True))
    return Job(**{n: _READ[n](v) if n in _READ else v for n, v in values.items()})


def _dump(value: Mapping[str, Any]) -> str:
    return orjson.dumps(value).decode()


def _load(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


_NAMES = tuple(column.name for column in jobs.columns)
_READ: dict[str, Callable[[Any], Any]] = {
    "state": JobState,
    "options": _load,
    "progress": _load,
    "result": _load,
    "cancel_asked": bool,
}


@lru_cache(maxsize=16)
def _page(names: tuple[str, ...], *, behind: bool) -> Statement:
    """Return the query of a page whose filter names these columns."""
    query = select(*jobs.columns).where(jobs.c.domain == bindparam("domain"))
    for name in names:
        query = query.where(jobs.c[name] == bindparam(name))
    if behind:
        same = and_(
            jobs.c.created_on == bindparam("created_on"),
            jobs.c.job_id < bindparam("job_id"),
        )
        query = query.where(
            jobs.c.created_on <= bindparam("created_on"),
            or_(jobs.c.created_on < bindparam("created_on"), same),
        )
    return Statement(
        query.order_by(jobs.c.created_on.desc(), jobs.c.job_id.desc()).limit(
            bindparam("limit")
        )
    )
