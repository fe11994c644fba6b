"""Case blocks, the XML that changes cases.

``case_xml.py`` reads and writes them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ledger.errors import Rejected
from ledger.times import Instant


class IndexUpdate(NamedTuple):
    """One element of an ``index`` block; an empty ``case_id`` clears the index."""

    name: str
    case_id: str
    case_type: str
    relationship: str


class AttachmentUpdate(NamedTuple):
    """One element of an ``attachment`` block; no ``src`` and no ``origin`` removes."""

    name: str
    src: str
    origin: str


class CaseBlock(NamedTuple):
    """What a form says about one case (``rules/case-xml.md`` 5).

    ``create`` and ``update`` are ``None`` when they are no action. Special names
    (``rules/case-xml.md`` 6) stand in them under the names they have in the XML.
    """

    case_id: str
    user_id: str | None = None
    date_modified: Instant | None = None
    create: Mapping[str, str] | None = None
    update: Mapping[str, str] | None = None
    indices: tuple[IndexUpdate, ...] = ()
    close: bool = False
    attachments: tuple[AttachmentUpdate, ...] = ()


def missing_file(form_id: str | None, name: str) -> Rejected:
    """Return what refuses a form whose file did not come.

    ``rules/case-xml.md`` 11.2.
    """
    return Rejected("AttachmentNotFound", f"{form_id}: '{name}'")
