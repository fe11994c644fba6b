"""The XML schemas of ``schemas/``: to explain a document, never to accept one. Pure.

A check with these costs a hundred times a parse, so it has no place on the path of a
submission (``rules/design.md`` 3.4). They are shown a copy of what the reader reads:
names without their namespaces, texts in front of children, and nothing deeper
(``rules/case-xml.md`` 2.3, 2.4 and D-7). So nothing in a document decides what is
loaded or how deep a check goes (``rules/libraries.md`` 3.1.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lxml import etree
from lxml.etree import SubElement

from ledger.forms.form import CASE_NS, META_NS
from ledger.forms.xml import Element, children_of, local_name, own_text, parse_xml

if TYPE_CHECKING:
    from xmlschema import XMLSchema

RESPONSE_NS: Final = "http://openrosa.org/http/response"

_RESPONSE_TAG: Final = f"{{{RESPONSE_NS}}}OpenRosaResponse"
_FOLDER: Final = Path(__file__).resolve().parents[2] / "schemas"
_CASE: Final = "case-transaction-v2.xsd"
_META: Final = "openrosa-meta.xsd"
_RESPONSE: Final = "openrosa-response.xsd"
_XSI: Final = "{http://www.w3.org/2001/XMLSchema-instance}"
_XS: Final = "{http://www.w3.org/2001/XMLSchema}"
_MOST_PARTS: Final = 10_000
"""Elements of one block that a schema is shown; nobody means more."""

_ANY: Final = "any"
"""The tag of what may be called anything."""

_ATTRIBUTES: Final = (
    (re.compile(r"missing required attribute '(?P<name>.+)'"), "is missing"),
    (re.compile(r"'(?P<name>.+)' attribute not allowed"), "may not stand here"),
    (re.compile(r"attribute (?P<name>[^=\s]+)="), ""),
)
"""Errors that are about an attribute, and what they say of it."""

_NO_TIME: Final = "this is no time such as 2026-05-01T12:00:00Z"
_NO_TEXT: Final = "text may not stand here"
_PLAIN: Final = (
    (
        "XsdMaxLengthFacet",
        "",
        "the value has more than {error.validator.value} characters",
    ),
    ("XsdMinLengthFacet", "", "the value is empty"),
    ("XsdPatternFacets", "", _NO_TIME),
    ("XsdUnion", "", _NO_TIME),
    ("XsdEnumerationFacets", "", "it must be one of {error.validator.enumeration}"),
    ("XsdAtomicBuiltin", "", "the value cannot stand here"),
    ("XsdLengthFacet", "", _NO_TEXT),
    ("XsdElement", "character data", _NO_TEXT),
    ("XsdGroup", "character data", _NO_TEXT),
    ("XsdElement", "child elements", "no element may stand in here"),
    ("XsdGroup", "not complete", "'{error.expected[0].local_name}' is missing"),
)
"""What raised an error, words of its reason, and how it is told."""


class Violation(NamedTuple):
    """A place that breaks a schema, and how; ``attribute`` is empty for an element."""

    element: Element
    attribute: str
    reason: str


def case_violations(block: Element) -> Iterator[Violation]:
    """Yield where a case block breaks ``case-transaction-v2.xsd``."""
    known, copies = _quick(_CASE).names, _Copies()
    copy = copies.root(block, f"{{{CASE_NS}}}case")
    for action in copies.fitting(block):
        name = local_name(action)
        inner = copies.below(copy, action, f"{{{CASE_NS}}}{name}")
        for value in copies.fitting(action):
            copies.below(inner, value, _value_tag(known, name, local_name(value)))
    return copies.violations(_CASE, copy)


def meta_violations(meta: Element) -> Iterator[Violation]:
    """Yield where a meta block breaks ``openrosa-meta.xsd``."""
    known, copies = _quick(_META).names, _Copies()
    copy = copies.root(meta, f"{{{META_NS}}}{local_name(meta)}")
    for child in copies.fitting(meta):
        name = local_name(child)
        copies.below(copy, child, f"{{{META_NS}}}{name}" if name in known else _ANY)
    return copies.violations(_META, copy)


def response_violations(root: Element) -> Iterator[Violation]:
    """Yield where a document breaks ``openrosa-response.xsd``."""
    if root.tag != _RESPONSE_TAG:
        reason = f"the root must be OpenRosaResponse in the namespace {RESPONSE_NS}"
        yield Violation(root, "", reason)
        return
    copies = _Copies()
    copy = copies.root(root, root.tag)
    for child in copies.fitting(root):
        inner = copies.below(copy, child, child.tag)
        for deeper in copies.fitting(child):
            copies.below(inner, deeper, deeper.tag)
    yield from copies.violations(_RESPONSE, copy)


class _Copies:
    """A copy of what the reader reads, and which element each part is of."""

    def __init__(self) -> None:
        """Begin without any."""
        self._originals: dict[Element, Element] = {}

    def root(self, element: Element, tag: str) -> Element:
        """Return the copy of an element under another tag, without its children."""
        return self._filled(etree.Element(tag), element)

    def below(self, parent: Element, element: Element, tag: str) -> Element:
        """Return such a copy below another."""
        copy = self._filled(SubElement(parent, tag), element)
        copy.tail = element.tail
        return copy

    def fitting(self, element: Element) -> Iterator[Element]:
        """Yield the children of an element, as long as there are not too many parts."""
        return takewhile(
            lambda _child: len(self._originals) < _MOST_PARTS, children_of(element)
        )

    def violations(self, name: str, copy: Element) -> Iterator[Violation]:
        """Yield where a copy breaks a schema, at the places of the originals."""
        if _quick(name).accepts(copy):
            return
        errors: Iterator[Any] = _schema(name).iter_errors(copy)
        for error in errors:
            child = getattr(error, "invalid_child", None)
            if child is not None:
                found = self._originals[child]
                yield Violation(found, "", f"'{local_name(found)}' may not stand here")
            elif error.elem is not None:
                yield Violation(self._originals[error.elem], *_told(error))

    def _filled(self, copy: Element, element: Element) -> Element:
        for name, value in element.attrib.items():
            # With these a document would choose types and schemas by itself.
            if not str(name).startswith(_XSI):
                copy.set(name, value)
        copy.text = own_text(element)
        self._originals[copy] = element
        return copy


class _Quick(NamedTuple):
    """A schema that libxml2 asks, and the names of its elements that may be roots.

    It is there at once and says nothing that a user should read.
    """

    schema: etree.XMLSchema
    names: frozenset[str]

    def accepts(self, copy: Element) -> bool:
        """Tell whether nothing in a copy breaks the schema."""
        try:
            return bool(self.schema.validate(copy))
        except etree.XMLSchemaValidateError:
            return False


def _value_tag(known: frozenset[str], action: str, name: str) -> str:
    """Return what the schema knows a value by; what may be called anything is free."""
    special = action == "update" and name in known and name != "case"
    return f"{{{CASE_NS}}}{name}" if special or action == "create" else _ANY


def _told(error: Any) -> tuple[str, str]:
    """Return the attribute that an error is about, if it is one, and what is wrong."""
    for pattern, what in _ATTRIBUTES:
        found = pattern.match(error.reason)
        if found is not None:
            name = found["name"].rpartition("}")[2]
            return name, f"the attribute '{name}' {what}" if what else _plain(error)
    return "", _plain(error)


def _plain(error: Any) -> str:
    """Return what a place is refused for, in plain words where they are known."""
    facet = type(error.validator).__name__
    for name, words, text in _PLAIN:
        if facet == name and words in error.reason:
            return text.format(error=error)
    return str(error.reason)


@cache
def _quick(name: str) -> _Quick:
    root = parse_xml((_FOLDER / name).read_bytes())
    elements = root.iterchildren(f"{_XS}element")
    names = frozenset(str(element.get("name")) for element in elements)
    return _Quick(etree.XMLSchema(root), names)


@cache
def _schema(name: str) -> XMLSchema:
    # To import it takes half a second, which only a document that is refused is worth.
    library = import_module("xmlschema")
    schema: XMLSchema = library.XMLSchema(
        _FOLDER / name,
        base_url=str(_FOLDER),
        allow="sandbox",
        defuse="always",
        # Without this a foreign namespace in a document is looked up in the Web.
        use_fallback=False,
    )
    return schema
