"""Case blocks as the server writes them (``rules/case-api-v2.md`` 8). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple

from ledger.forms.case_block import CaseBlock
from ledger.forms.case_xml import LIMITED
from ledger.forms.form import CASE_NS
from ledger.forms.xml_text import as_attribute, as_text, is_plain, require_tag
from ledger.times import Instant

_SPECIAL: Final = (*LIMITED, "date_opened")
_SPECIAL_SET: Final = frozenset(_SPECIAL)
_MOST_SKELETONS: Final = 500
_LONGEST_SKELETON: Final = 10_000

_XMLNS: Final = f'xmlns="{CASE_NS}"'
SLOT: Final = "%s"
"""Where a value goes in a text that is made once for many."""

_ANY_SLOT: Final = re.compile('"?%s')

_Shape = tuple[Any, ...]
Escape = Callable[[str], str]
"""Writes a value so that XML reads it back."""


def write_case_blocks(
    blocks: Iterable[CaseBlock], *, now: Instant = "", user_id: str = ""
) -> Iterator[str]:
    """Yield the text of each block; one without date or user gets these.

    Raises ``ValueError`` for names and texts that XML cannot carry.
    """
    for block in blocks:
        date, user = block.date_modified or now, block.user_id or user_id
        skeleton = _skeletons[_shape(block, dated=bool(date), by_user=bool(user))]
        values = [block.case_id]
        if date:
            values.append(date)
        if user:
            values.append(user)
        if block.create:
            values += map(block.create.__getitem__, skeleton.create)
        if block.update:
            values += map(block.update.__getitem__, skeleton.update)
        if block.indices or block.attachments:
            values += _references(block)
        if not is_plain("".join(values)):
            escaped = zip(skeleton.escapes, values, strict=True)
            values = [escape(value) for escape, value in escaped]
        yield skeleton.text % tuple(values)


def _references(block: CaseBlock) -> Iterator[str]:
    """Yield what stands in the elements of indices and attachments, in their order."""
    for index in block.indices:
        yield index.case_type
        if index.relationship != "child":
            yield index.relationship
        yield index.case_id
    for attachment in block.attachments:
        if attachment.src:
            yield attachment.src
        if attachment.origin:
            yield attachment.origin


def _shape(block: CaseBlock, *, dated: bool, by_user: bool) -> _Shape:
    """Return what the text of a block depends on beside the values in it."""
    return (
        dated,
        by_user,
        tuple(block.create or ()),
        tuple(block.update or ()),
        block.close,
        tuple([(i.name, i.relationship != "child") for i in block.indices]),
        tuple([(a.name, bool(a.src), bool(a.origin)) for a in block.attachments]),
    )


class _Skeleton(NamedTuple):
    """The text of a block with ``%s`` for each value, and which value goes where."""

    text: str
    escapes: tuple[Escape, ...]
    create: tuple[str, ...]
    update: tuple[str, ...]


class _Skeletons(dict[_Shape, _Skeleton]):
    """Skeletons by shape; bounded, since senders choose the names in them."""

    def __missing__(self, shape: _Shape) -> _Skeleton:
        """Make one; raises ``ValueError`` for a name that XML cannot carry."""
        made = _skeleton(shape)
        if len(made.text) <= _LONGEST_SKELETON:
            if len(self) >= _MOST_SKELETONS:
                self.clear()
            self[shape] = made
        return made


_skeletons = _Skeletons()


def _skeleton(shape: _Shape) -> _Skeleton:
    dated, by_user, create, update, closes, indices, attachments = shape
    created, updated = _ordered(create), _ordered(update)
    own = ["case_id", *["date_modified"] * dated, *["user_id"] * by_user]
    inner = (
        action("create", [leaf(name, (), SLOT) for name in created]),
        action("update", [leaf(name, (), SLOT) for name in updated]),
        "<close/>" * closes,
        action("index", [_index(*found) for found in indices]),
        action("attachment", [_attachment(*found) for found in attachments]),
    )
    text = element("case", [_XMLNS, *map(slot, own)], "".join(inner))
    return _Skeleton(text, escapes_of(text), created, updated)


def escapes_of(text: str) -> tuple[Escape, ...]:
    """Return how the values are written that stand at the slots of a text."""
    slots = _ANY_SLOT.findall(text)
    return tuple([as_text if slot == SLOT else as_attribute for slot in slots])


def _ordered(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return special names in their fixed order, then properties by name."""
    special = [name for name in _SPECIAL if name in names]
    return (*special, *sorted(set(names) - _SPECIAL_SET))


def action(name: str, leaves: Sequence[str]) -> str:
    """Return an action of a block, nothing if it says nothing."""
    return element(name, (), "".join(leaves)) if leaves else ""


def _index(name: str, is_related: bool) -> str:  # noqa: FBT001 - a part of a shape
    names = ["case_type", *["relationship"] * is_related]
    return leaf(name, names, SLOT)


def _attachment(name: str, has_src: bool, has_origin: bool) -> str:  # noqa: FBT001
    return leaf(name, [*["src"] * has_src, *["from"] * has_origin], "")


def leaf(name: str, attributes: Iterable[str], inner: str) -> str:
    """Return an element of an action; raises ``ValueError`` for no name of XML."""
    require_tag(f"{{{CASE_NS}}}{name}")
    return element(name, map(slot, attributes), inner)


def element(name: str, attributes: Iterable[str], inner: str) -> str:
    """Return an element with written attributes around what was written."""
    start = " ".join((name, *attributes))
    return f"<{start}>{inner}</{name}>" if inner else f"<{start}/>"


def slot(attribute: str) -> str:
    """Return an attribute with the place of its value."""
    return f'{attribute}="{SLOT}"'
