"""What an erasure leaves of a form: who sent it, and all it says of other cases. Pure.

Answers to questions go, whatever they are about; of the erased cases only their ids
and the kinds of what was done to them stay, so that a replay touches the same cases
and every other case folds as before. What is left stands in the order it had.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass
from html import unescape
from typing import Any, Final

from lxml import etree

from ledger.errors import Malformed
from ledger.forms.case_xml import case_elements
from ledger.forms.form import DEVICE_LOG_NS, LEDGER_NS, META_FIELDS
from ledger.forms.mending import mended
from ledger.forms.xml import (
    Element,
    children_of,
    local_name,
    namespace,
    own_text,
    parse_xml,
    to_bytes,
)
from ledger.times import parse_instant

SHORTEST: Final = 4
"""Characters from which on a text tells something about somebody."""

_ANY_CASE: Final = "{*}case"
_LEDGERS: Final = (f"{{{LEDGER_NS}}}balance", f"{{{LEDGER_NS}}}transfer")
_IN_DEVICE_LOG: Final = f"{{{DEVICE_LOG_NS}}}*"
_LEDGER_IDS: Final = ("entity-id", "src", "dest")
_ROOT_KEPT: Final = frozenset({"name", "version", "uiVersion"})
_META: Final = frozenset({"meta", "Meta"})
_META_KEPT: Final = META_FIELDS | {"uid", "user_id"}
_DATE: Final = "date_modified"
_BLOCK_KEPT: Final = frozenset({"case_id", "user_id", _DATE})
_ACTIONS: Final = frozenset(
    {"create", "update", "close", "index", "attachment", "referral", "case_id"}
)
"""What may stand in a block; ``case_id`` there is what makes one of version 1."""
_NOTHING: Final = "none"
"""Stands in a ``create`` that set no type: an empty one would be no ``create``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """A form without what is erased.

    ``named`` are those of the erased cases that the form is about, and ``texts`` the
    values that went; ``is_changed`` is false when an earlier erasure took them all.
    ``kept_files`` are the names of attachments that other cases of the form refer to.
    """

    body: bytes
    is_changed: bool
    named: frozenset[str]
    texts: frozenset[str]
    kept_files: frozenset[str]


def redact(body: bytes, case_ids: Collection[str]) -> Redaction | None:
    """Return a form without what it says of these cases.

    ``None`` when it has neither a case block nor a ledger block about one of them.
    Bytes that are no XML but name one are emptied.
    """
    try:
        root = parse_xml(body)
    except Malformed:
        return _emptied(body, case_ids)
    form = _Form(root, frozenset(case_ids))
    if not form.named:
        return None
    # Without a namespace the id says which form it is, and it must stay one.
    kept = _ROOT_KEPT if namespace(root) else _ROOT_KEPT | {"id"}
    left = _bare(root, keep=kept)
    left.extend(form.left())
    written = to_bytes(left)
    return Redaction(
        body=written,
        is_changed=written != body,
        named=form.named,
        texts=_texts(root) - _texts(left),
        kept_files=frozenset(_sources(form.others)),
    )


def mentions(body: bytes, words: Collection[str]) -> bool:
    """Tell whether bytes hold one of these words, in whatever way they are encoded."""
    return bool(_mentioned(_as_texts(body), words))


class _Form:
    """A form and what of it is about the cases that are erased."""

    def __init__(self, root: Element, case_ids: frozenset[str]) -> None:
        self._root = root
        self._case_ids = case_ids
        # The set also keeps the proxies alive, so that elements can be looked up.
        self._blocks = {block: _named(block) for block in case_elements(root)}
        self.named = self._named()

    @property
    def others(self) -> list[Element]:
        """Return the blocks that stay as they are; one without an id is nobody's."""
        return [b for b, ids in self._blocks.items() if ids and not self._erases(ids)]

    def left(self) -> Iterator[Element]:
        """Yield what is left, in the order of the document."""
        for child in children_of(self._root):
            if local_name(child) in _META:
                yield _sender(child)
            yield from self._left_of(child)

    def _left_of(self, element: Element) -> Iterator[Element]:
        if namespace(element) == DEVICE_LOG_NS:
            return
        ids = self._blocks.get(element)
        if ids is not None:
            yield from self._left_of_block(element, ids)
            return
        if element.tag in _LEDGERS:
            if self._is_kept(element):
                yield _copy(element)
                return
            yield from _ledger_shell(element)
        for child in children_of(element):
            yield from self._left_of(child)

    def _left_of_block(self, block: Element, ids: frozenset[str]) -> Iterator[Element]:
        """Yield a block as it is, or its shell, and the ids of ledger blocks in it."""
        if ids and not self._erases(ids):
            yield _copy(block)
            return
        yield _shell(block)
        for ledger in _ledgers_in(block):
            yield from _ledger_shell(ledger)

    def _is_kept(self, ledger: Element) -> bool:
        """Tell whether a ledger block is another case's, and nothing else is in it."""
        inner = next(ledger.iterdescendants(_ANY_CASE, *_LEDGERS), None)
        return inner is None and not _ledger_ids(ledger) <= self._case_ids

    def _erases(self, ids: frozenset[str]) -> bool:
        return not self._case_ids.isdisjoint(ids)

    def _named(self) -> frozenset[str]:
        found = frozenset().union(
            *self._blocks.values(), *map(_ledger_ids, _ledgers_in(self._root))
        )
        return self._case_ids & found


def _emptied(body: bytes, case_ids: Collection[str]) -> Redaction | None:
    said = _as_texts(body)
    named = _mentioned(said, case_ids)
    if not named:
        return None
    words = re.split(r"[\s<>]+", said)
    texts = frozenset(word for word in words if len(word) >= SHORTEST)
    return Redaction(
        body=b"",
        is_changed=True,
        named=named,
        texts=texts,
        kept_files=frozenset(),
    )


def _as_texts(body: bytes) -> str:
    """Return what bytes can say, read in every way that they may be meant."""
    whole = mended(body)
    body = body if whole is None else whole.body
    codings = ["utf-8"]
    if b"\x00" in body:
        codings += ["utf-16-le", "utf-16-be"]
    read = [body.decode(coding, "replace") for coding in codings]
    return "\n".join([*read, *(unescape(text) for text in read if "&" in text)])


def _mentioned(said: str, case_ids: Collection[str]) -> frozenset[str]:
    """Return the ids that stand in a text as words: an id may be as short as ``7``."""
    return frozenset(
        case_id
        for case_id in case_ids
        if re.search(rf"(?<![\w-]){re.escape(case_id)}(?![\w-])", said)
    )


def _named(block: Element) -> frozenset[str]:
    """Return whom a block is about, also in the way of version 1; nobody at times."""
    case_id = block.get("case_id")
    if case_id:
        return frozenset((case_id,))
    texts = [own_text(old) for old in block.iterchildren("{*}case_id")]
    return frozenset((*texts, *map(str.strip, texts))) - {""}


def _ledgers_in(element: Element) -> Iterator[Element]:
    """Yield the ledger blocks that a fold sees (``rules/case-xml.md`` 18)."""
    for ledger in element.iter(*_LEDGERS):
        if next(ledger.iterancestors(_IN_DEVICE_LOG), None) is None:
            yield ledger


def _ledger_ids(ledger: Element) -> frozenset[str]:
    return frozenset(ledger.get(name) or "" for name in _LEDGER_IDS) - {""}


def _ledger_shell(ledger: Element) -> Iterator[Element]:
    """Yield a ledger block with the ids of cases alone, if it has any."""
    if _ledger_ids(ledger):
        yield _bare(ledger, keep=_LEDGER_IDS)


def _sender(meta: Element) -> Element:
    """Return who sent the form and when, without where they stood."""
    left = _bare(meta)
    for field in children_of(meta):
        if local_name(field) in _META_KEPT:
            left.append(_bare(field))
            left[-1].text = own_text(field)
    return left


def _shell(block: Element) -> Element:
    """Return a block with the kinds of what it did, and nothing else."""
    # What a rejected form has in place of a time may be anything.
    dated = _is_time(block.get(_DATE, ""))
    shell = _bare(block, keep=_BLOCK_KEPT if dated else _BLOCK_KEPT - {_DATE})
    for action in children_of(block):
        if local_name(action) in _ACTIONS:
            shell.append(_bare(action))
            shell[-1].extend(_left_of_action(action))
    return shell


def _is_time(text: str) -> bool:
    try:
        parse_instant(text)
    except ValueError:
        return False
    return True


def _left_of_action(action: Element) -> Iterator[Element]:
    """Yield what stays inside an action: enough to tell that it was one."""
    name = local_name(action)
    if name == "create":
        yield from _created(action)
    elif name in {"index", "attachment"}:
        # Without a target, an index is cleared and an attachment dropped.
        yield from map(_bare, children_of(action))


def _created(action: Element) -> Iterator[Element]:
    """Yield the type that a case was made with, and something in any case."""
    types = list(action.iterchildren("{*}case_type"))
    for found in types:
        kept = _bare(found)
        kept.text = own_text(found)
        yield kept
    if len(action) and not types:
        yield etree.Element(etree.QName(namespace(action) or None, _NOTHING))


def _copy(element: Element) -> Element:
    copy = deepcopy(element)
    copy.tail = None
    return copy


def _bare(element: Element, *, keep: Collection[Any] = ()) -> Element:
    """Return an element with its name alone, and these of its attributes."""
    kept: Any = {n: value for n, value in element.attrib.items() if n in keep}
    nsmap: Any = element.nsmap
    return etree.Element(element.tag, kept, nsmap=nsmap)


def _sources(blocks: Collection[Element]) -> Iterator[str]:
    for block in blocks:
        for element in block.iter("{*}attachment"):
            for child in children_of(element):
                source = child.get("src")
                if source:
                    yield source


def _texts(root: Element) -> frozenset[str]:
    """Return every text of a form that is long enough to tell something."""
    found: set[str] = set()
    for element in root.iter():
        found.update(str(value) for value in element.attrib.values())
        found.update((element.text or "", element.tail or ""))
    return frozenset(t for t in map(str.strip, found) if len(t) >= SHORTEST)
