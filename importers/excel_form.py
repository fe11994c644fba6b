"""The form that a chunk of an import is submitted as. Pure.

``excel-import.md`` section 13: blocks of cases that are there carry no user.
"""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree
from lxml.etree import SubElement

from ledger.caseblock import CaseBlock
from ledger.casexml import write_case_blocks
from ledger.entry import Author
from ledger.form import APP_VERSION_NS, META_NS
from ledger.times import Instant
from ledger.xml import default_namespace, to_bytes, xml_safe

XMLNS = "http://commcarehq.org/case"
DEVICE_ID = "corehq.apps.case_importer.do_import.do_import"


def build_chunk(
    blocks: Iterable[CaseBlock], *, form_id: str, author: Author, now: Instant
) -> bytes:
    """Return the bytes of the form; raises ``ValueError`` for what XML cannot carry."""
    attributes = {"version": "1", "uiVersion": "1"}
    root = etree.Element(f"{{{XMLNS}}}system", attributes, default_namespace(XMLNS))
    meta = SubElement(root, f"{{{META_NS}}}meta", None, {"orx": META_NS})
    texts = {
        "deviceID": DEVICE_ID,
        "timeStart": now,
        "timeEnd": now,
        "username": xml_safe(author.username),
        "userID": xml_safe(author.user_id),
        "instanceID": form_id,
    }
    for name, text in texts.items():
        SubElement(meta, f"{{{META_NS}}}{name}").text = text
    SubElement(meta, f"{{{APP_VERSION_NS}}}appVersion", None, {"cc": APP_VERSION_NS})
    write_case_blocks(root, blocks)
    return to_bytes(root)
