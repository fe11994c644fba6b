"""The worker: claims jobs, runs their handlers, and sees to it that each one ends.

A handler is a coroutine that gets a ``JobContext``, does the work in steps and returns
the result. Between its steps it may be stopped for good (the job was cancelled), for
now (the process stops), or because another worker has the job; the step then raises,
and the handler lets that pass. A handler that is called for a job with progress goes on
from there.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import NoneType
from typing import Any, TypeVar

from importers.jobs.handover import Handover
from importers.jobs.short_turns import ShortTurns
from importers.jobs.turns import to_be_taken_up
from ledger.clock import Clock, now_micros
from ledger.errors import Damaged, LedgerError, Overloaded, StoreUnavailable
from ledger.jobs import queue as jobs
from ledger.jobs.step import Advance, JobStep
from ledger.jobs.values import Job, JobCancelled, JobKey, LeaseLost
from ledger.storage.connection import Connection
from ledger.store import Reader, Store
from ledger.submit import Command
from ledger.writer import LedgerWriter

T = TypeVar("T")

_SECOND = 1_000_000
_LEASE = 60 * _SECOND
_RENEW_SECONDS = 15.0
_POLL_SECONDS = 1.0
_WATCH_SECONDS = 0.2
_MOST_WATCHES = 50
_TROUBLE_SECONDS = 10.0
_AWAY_SECONDS = 1.0
"""How soon a store that is away is asked again; who logs outages has told of it."""
_GRACE_SECONDS = 1.0
_LATER = 30 * _SECOND
_LONGEST_PROBLEM = 2000
_SHORT_TURNS = ShortTurns()

logger = logging.getLogger(__name__)


class Interrupted(Exception):
    """The process stops: the job is given back for another worker to go on with."""


class NotYet(LedgerError):
    """The job must wait for another one: it is given back for a moment."""


class JobContext:
    """What a handler knows of its job and may do in its name."""

    def __init__(self, job: Job, worker: Worker) -> None:
        """Begin with the job as it was claimed."""
        self.job = job
        self.store = worker.store
        self.writer = worker.writer
        self._worker = worker

    async def read(self, fn: Callable[[Reader], T]) -> T:
        """Read the job's domain in a reader thread."""
        return await self.store.scan(self.job.domain, fn)

    def take_upload(self, sha256: str, path: Path) -> bool:
        """Move a file that this process has received to a path, if it is there."""
        return self._worker.uploads.take(self.job.domain, sha256, path)

    async def step(self, commands: Sequence[Command], advance: Advance) -> list[Any]:
        """Append commands and save the progress in one commit; return the outcomes.

        Raises what tells a handler to stop (see above), and whatever unexpected error
        a command met; then nothing was appended and the progress is as it was.
        """
        await self._worker.going_on()
        saved: list[Mapping[str, Any]] = []

        def noted(outcomes: Sequence[Any]) -> Mapping[str, Any]:
            saved.append(advance(outcomes))
            return saved[-1]

        step = JobStep(
            job=self.job,
            until=self._worker.lease_end(),
            commands=tuple(commands),
            advance=noted,
        )
        outcomes = await self.writer.submit(self.job.domain, step)
        self.job = replace(self.job, progress=saved[-1])
        self._worker.tell(self.job)
        return list(outcomes)


def _leave_it(_conn: Connection, _job: Job, _now: int) -> None:
    """Do nothing: the job is another worker's."""


def _stop(conn: Connection, job: Job, now: int) -> None:
    jobs.stop(conn, job, now=now)


def _give_back(conn: Connection, job: Job, now: int) -> None:
    jobs.give_back(conn, job, again_on=now)


def _wait_for_server(conn: Connection, job: Job, now: int) -> None:
    jobs.give_back(conn, job, again_on=now + _LATER)


def _wait_a_moment(conn: Connection, job: Job, now: int) -> None:
    jobs.give_back(conn, job, again_on=now + _SECOND)


_LEFT: tuple[tuple[Any, str, Callable[[Connection, Job, int], None]], ...] = (
    (LeaseLost, "lost", _leave_it),
    (JobCancelled, "cancelled", _stop),
    ((Interrupted, NoneType), "given back", _give_back),
    (NotYet, "given back", _wait_a_moment),
    ((StoreUnavailable, Overloaded), "given back", _wait_for_server),
)
"""How a job is left that neither is done nor has failed, by what ended the work."""

Handler = Callable[[JobContext], Awaitable[Mapping[str, Any]]]


class Worker:
    """Runs jobs on the event loop; its own statements run in a thread of its own."""

    def __init__(
        self,
        store: Store,
        writer: LedgerWriter,
        handlers: Mapping[str, Handler],
        *,
        at_once: int = 4,
        clock: Clock = now_micros,
        tell: Callable[[Job], None] = lambda _job: None,
    ) -> None:
        """Prepare; ``start`` begins to work, ``tell`` hears of each progress.

        Of the jobs that run at once one is always left to other domains. Their chunks
        take turns in the writer, so that a job of many keeps none waiting for long.
        """
        self.store = store
        self.writer = writer
        self.tell = tell
        self.uploads = Handover()
        self._handlers = handlers
        self._at_once = at_once
        self._at_work: Counter[str] = Counter()
        self._claiming = asyncio.Lock()
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="caseledger-jobs")
        self._wake = asyncio.Event()
        self._stopping = asyncio.Event()
        self._may_go_on = asyncio.Event()
        self._may_go_on.set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to work on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self.run_forever())

    def leave(self) -> None:
        """Begin no further chunk, and give back what is not done."""
        self._stopping.set()
        self._wake.set()

    async def aclose(self) -> None:
        """Leave, and wait until all is given back."""
        self.leave()
        if self._task is not None:
            await self._task
        self._thread.shutdown()
        self.uploads.close()

    def wake(self) -> None:
        """Look for jobs now: one was just added."""
        self._wake.set()

    async def run_forever(self) -> None:
        """Run jobs, a few at once, until ``aclose``."""
        await asyncio.gather(*(self._lane() for _ in range(self._at_once)))

    async def drain(self) -> None:
        """Run jobs until none is ready; for tests and tools."""
        while not self._stopping.is_set() and await self._work_once():
            pass

    async def see_through(self, key: JobKey) -> Job:
        """Run this job here, or wait while another worker does; return it ended.

        One that is interrupted meanwhile has ended so. Raises ``NotFound``.
        """
        while True:
            if not self._stopping.is_set():
                await self._run_one(key)
            job = await self._administer(partial(jobs.get_job, key=key))
            self.tell(job)
            if job.has_ended:
                return job
            if self._stopping.is_set():
                return await self._given_up(key)
            await self._stopped_within(_WATCH_SECONDS)

    async def _run_one(self, key: JobKey) -> None:
        now = self._clock()
        claim = partial(jobs.claim_one, key=key, now=now, until=self.lease_end())
        claimed = await self._administer(claim)
        if claimed is not None:
            self._at_work[claimed.domain] += 1
            await self._run(claimed)

    async def _given_up(self, key: JobKey) -> Job:
        """Interrupt a job and wait while another worker ends its chunk of it.

        Returns the job as it is after a while, as that worker may have died.
        """
        for _ in range(_MOST_WATCHES):
            job = await self._administer(self._interrupt(key))
            if job.has_ended:
                break
            await asyncio.sleep(_WATCH_SECONDS)
        return job

    async def interrupt(self, key: JobKey) -> None:
        """Stop a job where it is: nobody goes on with it until it is retried.

        Whatever becomes of this process from here on, the job keeps to that.
        """
        # SQLite lets whoever asks for its lock try now and then, and hands it to
        # nobody. An import that commits chunk after chunk would have it again each
        # time, and may be done before the word to stop is written: so no chunk begins
        # meanwhile.
        self._may_go_on.clear()
        try:
            await self._administer(self._interrupt(key))
        finally:
            self.leave()
            self._may_go_on.set()

    def _interrupt(self, key: JobKey) -> Callable[[Connection], Job]:
        return partial(jobs.interrupt, key=key, now=self._clock())

    async def going_on(self) -> None:
        """Wait while a job is being stopped; raise ``Interrupted`` if all is."""
        await self._may_go_on.wait()
        if self._stopping.is_set():
            raise Interrupted

    def lease_end(self) -> int:
        """Return until when a job is held that is claimed or renewed now."""
        return self._clock() + _LEASE

    async def _lane(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            if not await self._worked() and not self._stopping.is_set():
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _POLL_SECONDS)

    async def _worked(self) -> bool:
        """Work if there is something to do; trouble with the database waits."""
        wait = _TROUBLE_SECONDS
        try:
            return await self._work_once()
        except StoreUnavailable:
            logger.debug("jobs_not_claimed")
            wait = _AWAY_SECONDS
        except Exception:
            logger.exception("jobs_not_claimed")
        await self._stopped_within(wait)
        return False

    async def _stopped_within(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _work_once(self) -> bool:
        """Claim a job and run it to its end; tell whether there was one."""
        async with self._claiming:
            # Whoever claims next must know whose place this one has taken.
            job = await self._in_thread(self._claim)
            if job is not None:
                self._at_work[job.domain] += 1
        if job is not None:
            await self._run(job)
        return job is not None

    def _claim(self) -> Job | None:
        now, found = self._clock(), self.store.look(jobs.open_jobs)
        for key in to_be_taken_up(found, now, is_full=self._is_full):
            with self.store.administering() as conn:
                job = jobs.claim_one(conn, key, now=now, until=self.lease_end())
            if job is not None:
                return job
        return None

    def _is_full(self, domain: str) -> bool:
        """Tell whether a domain has all places but the one that is left to others."""
        return self._at_work[domain] >= max(self._at_once - 1, 1)

    async def _run(self, job: Job) -> None:
        """Run a claimed job, which has its place; record how it ended, or that not."""
        ids = {"domain": job.domain, "job_id": job.job_id, "kind": job.kind}
        logger.info("job_taken_up", extra=ids)
        try:
            with _SHORT_TURNS:
                outcome = await self._outcome(job)
        finally:
            self._at_work[job.domain] -= 1
        try:
            word = await self._recorded(job, outcome)
        except LeaseLost:
            word = "lost"
        except StoreUnavailable:
            # Whoever finds the lease run out goes on with it.
            logger.debug("job_not_recorded", extra=ids)
            return
        except Exception:
            # Whoever finds the lease run out goes on with it.
            logger.exception("job_not_recorded", extra=ids)
            return
        logger.info("job_left", extra={**ids, "state": word})

    async def _recorded(self, job: Job, outcome: Any) -> str:
        """Write down how a job was left, after an outage if need be."""
        record = partial(self._record, job=job, outcome=outcome)
        while True:
            try:
                return await self._administer(record)
            except StoreUnavailable:
                if self._stopping.is_set():
                    raise
            await self._stopped_within(_AWAY_SECONDS)

    async def _outcome(self, job: Job) -> Any:
        """Return the handler's result, or the exception that ended its work."""
        work = asyncio.ensure_future(self._handle(JobContext(job, self)))
        hold = asyncio.ensure_future(self._hold(job))
        leave = asyncio.ensure_future(self._leave())
        tasks = (work, hold, leave)
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        told = (o for o in outcomes if not isinstance(o, asyncio.CancelledError))
        return next(told, Interrupted())

    async def _handle(self, context: JobContext) -> Mapping[str, Any]:
        handler = self._handlers.get(context.job.kind)
        if handler is None:
            text = f"this program does not know jobs of kind '{context.job.kind}'"
            raise LedgerError(text)
        return await handler(context)

    async def _hold(self, job: Job) -> None:
        """Renew the lease for as long as the handler works."""
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            renew = partial(jobs.renew, job=job, until=self.lease_end())
            try:
                await self._administer(renew)
            except StoreUnavailable:
                logger.debug("lease_not_renewed", extra={"job_id": job.job_id})

    async def _leave(self) -> None:
        """Wait until the process stops, and then as long as a chunk may take."""
        await self._stopping.wait()
        await asyncio.sleep(_GRACE_SECONDS)

    def _record(self, conn: Connection, *, job: Job, outcome: Any) -> str:
        """Write down how a job was left and return the word for it."""
        now = self._clock()
        for kinds, word, record in _LEFT:
            if isinstance(outcome, kinds):
                record(conn, job, now)
                return word
        if isinstance(outcome, BaseException):
            self._record_failure(conn, job, outcome)
            return "failed"
        jobs.finish(conn, job, result=outcome, now=now)
        return "done"

    def _record_failure(self, conn: Connection, job: Job, error: BaseException) -> None:
        text = str(error)
        if not isinstance(error, LedgerError | Damaged):
            logger.error("job_defect", extra={"job_id": job.job_id}, exc_info=error)
            text = f"{type(error).__name__}: {error}"
        jobs.fail(conn, job, problem=text[:_LONGEST_PROBLEM], now=self._clock())

    async def _administer(self, fn: Callable[[Connection], T]) -> T:
        def run() -> T:
            with self.store.administering() as conn:
                return fn(conn)

        return await self._in_thread(run)

    async def _in_thread(self, fn: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, fn)
