"""XML in and out: the one parser, the one printer, names. Pure.

Nothing here knows about forms or cases. Whatever bytes come in, ``parse_xml`` either
returns a tree without entities, comments and processing instructions, or raises
``Malformed``.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import Any, Final, TypeAlias, cast

from lxml import etree

from ledger.errors import Malformed
from ledger.forms.mending import mended

Element: TypeAlias = etree._Element  # noqa: SLF001 - lxml has no public name for it

MAX_BODY: Final = 64 * 1024 * 1024
_MAX_MESSAGE: Final = 500
_MAX_CACHED_TAGS: Final = 20_000
_MAX_CACHED_TAG: Final = 300
BLANKS: Final = " \t\r\n"
_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _LocalNames(dict[str, str]):
    """Tag to local name; bounded, since senders choose the tags."""

    def __missing__(self, tag: str) -> str:
        name = tag.rpartition("}")[2]
        if len(self) >= _MAX_CACHED_TAGS:
            self.clear()
        if len(tag) <= _MAX_CACHED_TAG:
            self[tag] = name
        return name


_local_name = _LocalNames().__getitem__
_tag: Callable[[Element], str] = attrgetter("tag")
_text: Callable[[Element], str | None] = attrgetter("text")
_is_blank: Callable[[Any], bool] = str.isspace

children_of: Callable[[Element], list[Element]] = itemgetter(slice(None))
"""Return the children of an element."""


class _Parsers(threading.local):
    """One parser per thread: lxml locks a parser for the length of a parse."""

    def __init__(self) -> None:
        self.parser = etree.XMLParser(
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )


_parsers = _Parsers()


def parse_xml(body: bytes, *, limit: int = MAX_BODY) -> Element:
    """Return the root of a document; characters written in halves are whole.

    Raises ``Malformed`` with ``Invalid XML: <message>`` for anything that is not
    well-formed, is longer than ``limit``, is nested deeper or has longer texts than
    libxml2 allows, or brings a DOCTYPE (``rules/case-xml.md`` 2,
    ``rules/libraries.md`` 3.1).
    """
    if len(body) > limit:
        raise _invalid(f"Document exceeds {limit} bytes")
    try:
        root = etree.fromstring(body, _parsers.parser)
    except (etree.LxmlError, ValueError, LookupError) as error:
        whole = mended(body)
        if whole is not None:
            return parse_xml(whole.body)
        raise _invalid(str(error), line=getattr(error, "lineno", None)) from None
    # Entities of a DTD would leave holes in the text without any error.
    if root.getroottree().docinfo.internalDTD is not None:
        raise _invalid("DOCTYPE is not allowed", line=_line_of(body, b"<!DOCTYPE"))
    return root


@lru_cache(maxsize=64)
def is_known_encoding(name: str) -> bool:
    """Tell whether the parser can read documents that declare this encoding."""
    try:
        etree.XMLParser(encoding=name)
    except (LookupError, ValueError):
        return False
    return True


def to_bytes(element: Element) -> bytes:
    """Return an element as UTF-8 without declaration; CR as a reference."""
    return etree.tostring(element, encoding="UTF-8", with_tail=False)


def local_name(element: Element) -> str:
    """Return the name of an element without its namespace."""
    return _local_name(element.tag)


def texts_by_name(elements: list[Element]) -> dict[str, str]:
    """Return the own text of each element by local name; of one name the last.

    A name stands where its last element does, so that names which mean the same
    thing also end in document order (``rules/case-xml.md`` D-6).
    """
    # Names and texts are most of the work of a replay; as a loop over attributes it
    # takes twice as long.
    named = map(_local_name, map(_tag, elements))
    texts = dict(zip(named, map(_text, elements), strict=True))
    found = texts.values()
    if len(texts) < len(elements) or None in found or any(map(_is_blank, found)):
        return _odd_texts_by_name(elements)
    return cast("dict[str, str]", texts)


def _odd_texts_by_name(elements: list[Element]) -> dict[str, str]:
    """Return the same where names come twice, or texts may be none."""
    last = dict.fromkeys(map(local_name, reversed(elements)))
    texts = {local_name(element): own_text(element) for element in elements}
    return {name: texts[name] for name in reversed(last)}


def namespace(element: Element) -> str:
    """Return the namespace of an element, empty when it has none."""
    return element.tag[1:].rpartition("}")[0] if element.tag[0] == "{" else ""


def default_namespace(uri: str) -> Any:
    """Return the ``nsmap`` that declares a default namespace.

    ``Any``, because the stubs of lxml forget that a prefix may be None.
    """
    return {None: uri}


def own_text(element: Element) -> str:
    """Return the text before the first child, verbatim.

    Blanks alone beside children or attributes are layout and count as nothing
    (``rules/case-xml.md`` 2).
    """
    text = element.text or ""
    if text.strip(BLANKS) or not (len(element) or element.attrib):
        return text
    return ""


def xml_safe(text: str) -> str:
    """Return the text with U+FFFD for each character that XML 1.0 cannot carry."""
    return text if text.isprintable() else _ILLEGAL.sub("\ufffd", text)


def _line_of(body: bytes, mark: bytes) -> int | None:
    """Return the line on which a mark stands; in UTF-16 it is not found."""
    found = body.find(mark)
    return None if found < 0 else body.count(b"\n", 0, found) + 1


def _invalid(message: str, *, line: int | None = None) -> Malformed:
    """Return the error for a document, on one short line that can be stored."""
    text = xml_safe(" ".join(message.split()))[:_MAX_MESSAGE]
    error = Malformed(f"Invalid XML: {text}")
    error.line = line
    return error
