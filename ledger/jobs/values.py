"""What a job is, and where it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import orjson

from ledger.errors import LedgerError
from ledger.times import Micros

JobKey = tuple[str, str]
"""Domain and job id."""


class JobState(StrEnum):
    """Where a job stands; the last four are its end.

    An interrupted job has stopped where it was, and goes on when somebody retries it.
    """

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


ENDED = frozenset(
    {JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED}
)


class LeaseLost(LedgerError):
    """Another worker has the job now: nothing more may be done in its name."""


class JobCancelled(LedgerError):
    """Somebody asked that the job be stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A piece of work, and how far it is.

    ``options`` say what is to be done and do not change, but that the notes of people
    stand among them (``notes.py``); ``progress`` is the worker's
    own, with the numbers ``done`` and ``total`` in it. ``attempts`` counts how often
    the job was taken up since it last got further. Entries that it appended stand
    between ``first_position`` and ``last_position``, among others.
    """

    domain: str
    job_id: str
    kind: str
    state: JobState
    user_id: str
    options: Mapping[str, Any]
    progress: Mapping[str, Any]
    result: Mapping[str, Any] | None
    problem: str | None
    attempts: int
    cancel_asked: bool
    ready_on: Micros | None
    lease: str | None
    first_position: int | None
    last_position: int | None
    created_on: Micros
    started_on: Micros | None
    finished_on: Micros | None

    @property
    def key(self) -> JobKey:
        """Return what names the job."""
        return self.domain, self.job_id

    @property
    def has_ended(self) -> bool:
        """Tell whether nothing will happen any more unless somebody asks."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class OpenJob:
    """What decides whose turn it is, of a job that has not ended.

    ``ready_on`` is when it may be taken up: the end of a lease while it runs.
    """

    domain: str
    job_id: str
    kind: str
    created_on: Micros
    ready_on: Micros
    told: str

    @property
    def key(self) -> JobKey:
        """Return what names the job."""
        return self.domain, self.job_id

    @property
    def options(self) -> Mapping[str, Any]:
        """Return what is to be done, read anew with each call."""
        found: Mapping[str, Any] = orjson.loads(self.told)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFilter:
    """Which jobs a list is about."""

    kind: str | None = None
    state: str | None = None
