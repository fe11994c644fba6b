"""Which cases a form names, read off its bytes where they are plain. Pure.

A form that was accepted is well-formed. Where it has no comments, sections, processing
instructions or references by number, each ``<`` begins a tag, and its case blocks are
found by a search: a tenth of the work of a tree. Whatever is not plain is left to the
tree (``form_xml.py named_case_ids``).
"""

from __future__ import annotations

import re
from typing import Final

from ledger.forms.form import DEVICE_LOG_NS, LEDGER_NS

_DECLARED: Final = re.compile(
    rb"""<\?xml version=["']1\.0["'](?: encoding=["'](?i:utf-8)["'])?\s*\?>"""
)
_ROOT_TAG: Final = re.compile(rb"[ \t\r\n]*<[^\s/>]+")
_NAME: Final = re.compile(rb"case(?=[\s/>])")
_REST_OF_TAG: Final = re.compile(
    rb'((?:[ \t\r\n]+[^\s=<>"\'/&]+="[^"<>&\t\r\n]*")*)[ \t\r\n]*(/?)>'
)
_CASE_ID: Final = re.compile(rb'[ \t\r\n]case_id="([^"]*)"')
_BEGIN, _COLON, _SLASH = b"<:/"
_DEVICE_LOG: Final = DEVICE_LOG_NS.encode()
_LEDGER: Final = LEDGER_NS.encode()


def plainly_named(body: bytes) -> set[str] | None:
    """Return the ids of the cases that the blocks of an accepted form name.

    Returns ``None`` where the bytes alone do not tell: for what is not plain, for other
    encodings, device logs and ledger blocks, for prefixes, and for blocks inside of
    others.
    """
    declared = _DECLARED.match(body)
    start = 0 if declared is None else declared.end()
    root = _ROOT_TAG.match(body, start)
    if root is None or not _is_plain(body, start):
        return None
    found = _named_behind(body, root.end())
    try:
        return None if found is None else {case_id.decode() for case_id in found}
    except UnicodeDecodeError:
        return None


def _is_plain(body: bytes, start: int) -> bool:
    return not (
        _has(body, b"!", b"<!", start)
        or _has(body, b"?", b"<?", start)
        or _has(body, b"#", b"&#", start)
        or _DEVICE_LOG in body
        or _LEDGER in body
    )


def _has(body: bytes, rare: bytes, mark: bytes, start: int) -> bool:
    """Tell whether a mark is there; to look for its rare byte first costs less."""
    return body.find(rare, start) >= 0 and body.find(mark, start) >= 0


def _named_behind(body: bytes, start: int) -> list[bytes] | None:
    """Return the ids in the tags of cases, nothing where the tags do not tell."""
    found: list[bytes] = []
    is_inside = False
    for name in _NAME.finditer(body, start):
        before = body[name.start() - 1]
        if before == _COLON:
            return None
        if before == _SLASH and body[name.start() - 2] == _BEGIN:
            is_inside = False
        elif before == _BEGIN:
            rest = _REST_OF_TAG.match(body, name.end())
            if is_inside or rest is None:
                return None
            is_inside = not rest[2]
            found += _CASE_ID.findall(rest[1])
    return found
