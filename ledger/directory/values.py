"""What the directory holds of people and their keys, as values. Pure."""

from __future__ import annotations

from typing import NamedTuple

from ledger.times import Micros


class ApiKey(NamedTuple):
    """One row of ``api_keys``, columns in the table's order."""

    domain: str
    key_id: str
    user_id: str
    name: str
    key_sha256: bytes
    read_only: int
    created_on: Micros
    revoked_on: Micros | None
    scope: str | None
