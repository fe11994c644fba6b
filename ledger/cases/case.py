"""The folded state of one case. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ledger.times import Instant, Micros


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseIndex:
    """A named reference to another case; an empty ``case_id`` is a tombstone.

    A cleared index is kept because a restore must send it once as an empty element
    (``rules/case-xml.md`` 10); readers of the live state leave it out.
    """

    case_id: str
    case_type: str
    relationship: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseAttachment:
    """A case's named attachment: the form that carried it and the part it was."""

    form_id: str
    source: str
    content_type: str
    sha256: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldKey:
    """Where a form stands in the fold (``rules/case-xml.md`` 16, D-2)."""

    received_on: Micros
    position: int

    def after(self, other: FoldKey) -> bool:
        """Tell whether this form is folded after the other one."""
        return (self.received_on, self.position) > (other.received_on, other.position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case as of one entry of the log (``rules/case-xml.md`` 6 to 11).

    ``deleted_on`` is set while the case is in no list: because it was deleted by
    itself, and then it is ``flagged``, or because no form of it is in force any more.
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
    properties: Mapping[str, str] = field(default_factory=dict)
    indices: Mapping[str, CaseIndex] = field(default_factory=dict)
    attachments: Mapping[str, CaseAttachment] = field(default_factory=dict)
    server_modified_on: Instant = ""
    indexed_on: Micros = 0
    position: int = 0
    deleted_on: Instant | None = None
    flagged: bool = False
    folded_to: FoldKey = field(
        default_factory=lambda: FoldKey(received_on=0, position=0)
    )

    @property
    def is_void(self) -> bool:
        """Tell whether no form in force made it (``rules/case-xml.md`` 15.5)."""
        return self.folded_to.position == 0

    @property
    def live_indices(self) -> dict[str, CaseIndex]:
        """Return the indices that point at a case, without tombstones."""
        return {name: index for name, index in self.indices.items() if index.case_id}
