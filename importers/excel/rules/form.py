"""The form that a chunk of an import is submitted as. Pure.

``rules/excel-import.md`` 13: blocks of cases that are there carry no user.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ledger.entry import Author
from ledger.forms.case_block import CaseBlock
from ledger.forms.case_text import write_case_blocks
from ledger.forms.form_xml import SYSTEM, write_meta
from ledger.forms.xml_text import written_form
from ledger.times import Instant

XMLNS = "http://commcarehq.org/case"
DEVICE_ID = "corehq.apps.case_importer.do_import.do_import"


def build_chunk(
    blocks: Iterable[CaseBlock], *, form_id: str, author: Author, now: Instant
) -> bytes:
    """Return the bytes of the form; raises ``ValueError`` for what XML cannot carry."""
    meta = write_meta(form_id, author=replace(author, device_id=DEVICE_ID), now=now)
    parts = (meta, *write_case_blocks(blocks))
    return written_form("system", XMLNS, parts, attributes=SYSTEM)
