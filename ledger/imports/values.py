"""Batches with their files, and what becomes of each record, as values. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ledger.times import Micros


class BatchState(StrEnum):
    """Where a batch stands (``rules/batch-imports.md`` 1.3)."""

    UPLOADING = "uploading"
    READY = "ready"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    COMPLETE = "complete"
    DRY_RUN = "dry-run"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlFile:
    """A control file under one of its comments; ``size`` is in bytes."""

    digest: str
    number: int
    comment: str
    size: int
    user_id: str
    created_on: Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchFile:
    """A file of a batch: the name that the control file knows, and its own."""

    name: str
    digest: str
    size: int
    file_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFile:
    """A file on its way into a batch."""

    name: str
    file_name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch; ``errors`` counts what its run reported, once that has ended."""

    identifier: str
    control_digest: str
    control_comment: str
    comment: str
    user_id: str
    created_on: Micros
    state: BatchState
    errors: int | None


class Outcome(StrEnum):
    """How a record ended."""

    APPLIED = "applied"
    UNCHANGED = "unchanged"
    ABORTED = "aborted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportRow:
    """What became of a record of the job ``job_id`` of ``api``.

    ``row_number`` is the line or row of the file as people count it, where that is
    known; ``shown`` is the row as the API tells it.
    """

    api: str
    job_id: str
    record: int
    file: str
    outcome: Outcome
    row_number: int | None = None
    form_id: str | None = None
    case_ids: Sequence[str] = ()
    error_id: str | None = None
    messages: Sequence[str] = ()
    shown: Mapping[str, Any] | None = field(default=None)
