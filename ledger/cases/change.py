"""A caller's wish for one case, before ids are resolved. Pure.

``CaseChange`` is what the Case Data API, Excel and batch imports all speak (the rules
are those of ``rules/case-api-v2.md`` 5); ``ledger/cases/upsert.py`` turns changes into
case blocks under the domain's lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple


class Intent(Enum):
    """How the case of a change is chosen (rules 0 and 5.2)."""

    CREATE = "create"
    """Make a new case, whatever exists."""
    UPDATE = "update"
    """Change the case named by ``case_id``, else by ``external_id``; never create."""
    UPSERT = "upsert"
    """A bulk row: change the case with ``external_id`` or create it."""
    PUT = "put"
    """``PUT /`` with one object: update, or create from a complete body (rule D5)."""
    PUT_EXTERNAL = "put_external"
    """``PUT /ext/<id>/``: the case with ``selector`` as external id, or a new one."""


class IndexRef(NamedTuple):
    """A wish for one index; all three ids empty means: remove the index."""

    case_id: str | None = None
    external_id: str | None = None
    temporary_id: str | None = None
    case_type: str | None = None
    relationship: str | None = None


NO_TEXTS: Final[Mapping[str, str]] = {}
NO_REFS: Final[Mapping[str, IndexRef]] = {}
"""What a change says where it says nothing; nobody alters them."""


class CaseChange(NamedTuple):
    """What a caller wants of one case; ``None`` means: leave as it is."""

    intent: Intent
    row: int = 1
    selector: str | None = None
    case_id: str | None = None
    external_id: str | None = None
    temporary_id: str | None = None
    case_type: str | None = None
    case_name: str | None = None
    owner_id: str | None = None
    properties: Mapping[str, str] = NO_TEXTS
    indices: Mapping[str, IndexRef] = NO_REFS
    close: bool = False
