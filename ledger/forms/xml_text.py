"""XML out, as text: what the server itself writes. Pure.

Byte for byte what lxml would write of the same elements, for a third of the work; and
what XML cannot carry is refused in lxml's words (``tests/property/test_xml_text.py``).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lxml import etree

from ledger.forms.names import is_legal

_UNFIT_TEXT: Final = (
    "All strings must be XML compatible: Unicode or ASCII, "
    "no NULL bytes or control characters"
)


def is_plain(text: str) -> bool:
    """Tell quickly whether a text is written as it stands, in any place.

    What is not may still turn out to be.
    """
    # All that XML refuses or changes, but for these four, cannot be printed.
    return text.isprintable() and not (
        "&" in text or "<" in text or ">" in text or '"' in text
    )


def as_text(text: str) -> str:
    """Return a text as it is written between tags.

    Raises ``ValueError`` for a character that XML cannot carry.
    """
    if not text.isprintable():
        _require_fit(text)
    if "&" in text:
        text = text.replace("&", "&amp;")
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def as_attribute(text: str) -> str:
    """Return a text as it is written between quotes; raises ``ValueError``."""
    text = as_text(text).replace('"', "&quot;")
    return text.replace("\n", "&#10;").replace("\t", "&#9;")


def require_tag(tag: str) -> None:
    """Raise ``ValueError`` for a tag, ``{namespace}name``, that no element can have."""
    etree.QName(tag)


def written_form(
    name: str, xmlns: str, parts: Iterable[str], *, attributes: str = ""
) -> bytes:
    """Return a form in UTF-8: a root in its namespace, and what was written of it.

    ``attributes`` are written already, with a blank before each.
    """
    inner = "".join(parts)
    root = f'{name} xmlns="{as_attribute(xmlns)}"{attributes}'
    return f"<{root}>{inner}</{name}>".encode()


def _require_fit(text: str) -> None:
    text.encode()
    if not is_legal(text):
        raise ValueError(_UNFIT_TEXT)
