"""A case as a device is told of it. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ledger.times import Instant


class SentCase(NamedTuple):
    """What a device is told of a case; JSON texts are those of ``CaseRow``."""

    case_id: str
    case_type: str
    case_name: str
    external_id: str | None
    owner_id: str
    opened_on: Instant
    modified_on: Instant
    modified_by: str
    closed: int
    properties: str
    indices: str
    extra: str | None
