"""What jobs are asked for and answer, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.erasure.values import Erased
from ledger.times import Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRequest:
    """What is to be undone: of one form, one job, or one user between two times.

    ``user`` is an id or a username.
    """

    form_id: str | None = None
    job_id: str | None = None
    user: str | None = None
    since: Micros = 0
    until: Micros = 0
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What an erasure did, and the job that does the rest."""

    erased: Erased
    job_id: str
