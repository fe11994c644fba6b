"""The folded state of one case. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ledger.times import Instant, Micros


class CaseIndex(NamedTuple):
    """A named reference to another case; an empty ``case_id`` is a tombstone.

    A cleared index is kept because a restore must send it once as an empty element
    (``rules/case-xml.md`` 10); readers of the live state leave it out.
    """

    case_id: str
    case_type: str
    relationship: str


class CaseAttachment(NamedTuple):
    """A case's named attachment: the form that carried it and the part it was."""

    form_id: str
    source: str
    content_type: str
    sha256: str
    length: int


class FoldKey(NamedTuple):
    """Where a form stands in the fold (``rules/case-xml.md`` 16, D-2).

    Of two keys the larger one is folded later.
    """

    received_on: Micros
    position: int


BEFORE_ALL: Final = FoldKey(received_on=0, position=0)
"""Where a case stands that no form has made yet."""

NO_PROPERTIES: Final[Mapping[str, str]] = {}
NO_INDICES: Final[Mapping[str, CaseIndex]] = {}
NO_ATTACHMENTS: Final[Mapping[str, CaseAttachment]] = {}
"""What a case has before a form sets something; nobody alters them."""


class Case(NamedTuple):
    """One case as of one entry of the log (``rules/case-xml.md`` 6 to 11).

    Its collections are shared from state to state and never altered. ``deleted_on`` is
    set while the case is in no list: because it was deleted by itself, and then it is
    ``flagged``, or because no form of it is in force any more.
    """

    domain: str
    case_id: str
    case_type: str = ""
    case_name: str = ""
    external_id: str | None = None
    owner_id: str = ""
    opened_on: Instant = ""
    opened_by: str = ""
    modified_on: Instant = ""
    modified_by: str = ""
    closed: bool = False
    closed_on: Instant | None = None
    closed_by: str = ""
    location_id: str | None = None
    properties: Mapping[str, str] = NO_PROPERTIES
    indices: Mapping[str, CaseIndex] = NO_INDICES
    attachments: Mapping[str, CaseAttachment] = NO_ATTACHMENTS
    server_modified_on: Instant = ""
    indexed_on: Micros = 0
    position: int = 0
    deleted_on: Instant | None = None
    flagged: bool = False
    folded_to: FoldKey = BEFORE_ALL

    @property
    def is_void(self) -> bool:
        """Tell whether no form in force made it (``rules/case-xml.md`` 15.5)."""
        return self.folded_to.position == 0

    @property
    def live_indices(self) -> dict[str, CaseIndex]:
        """Return the indices that point at a case, without tombstones."""
        return {name: index for name, index in self.indices.items() if index.case_id}
