"""Reading a form without walking its tree, where it is plain enough. Pure.

What is no XML was refused before. The forms that the server writes, and some of
devices, are a small part of what is left: no prefixes, no blanks for layout, and a
child of the root is a question without children, the meta block or a case block. Such a
form is cut at its tags, and what the tags of a block mean is looked up, since most
blocks are alike. Whatever is not plain, or breaks any rule, is ``None`` here and left
to ``form_xml.py``, which alone says what is refused; what is read here is what is read
there (``tests/property/test_plain_forms.py``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from html import unescape
from operator import itemgetter
from typing import Final, NamedTuple

from ledger.errors import Rejected
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.forms.case_xml import (
    MAX_LENGTH,
    RELATIONSHIPS,
    check_case_id,
    read_date_modified,
    special_values,
)
from ledger.forms.form import (
    APP_VERSION_NS,
    CASE_NS,
    DEVICE_LOG_NS,
    LEDGER_NS,
    META_FIELDS,
    META_NS,
)
from ledger.forms.xml import BLANKS

_LONGEST: Final = 4_000_000
_CUT: Final = "<"
_PREFIX: Final = b" xmlns:"

_NAME: Final = r"(?![Xx][Mm][Ll])[A-Za-z_][\w.-]{0,250}+"
_REFERENCE: Final = r"&(?:amp|lt|gt|quot|#13|#10|#9);"
_TEXT: Final = rf"[^&]*+(?:{_REFERENCE}[^&]*+)*+"
_VALUE: Final = rf'[^&"\t\n]*+(?:{_REFERENCE}[^&"\t\n]*+)*+'


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_DECLARATION: Final = _compiled(
    r"<\?xml version=(?P<q>['\"])1\.0(?P=q)"
    r"(?: encoding=(?P<r>['\"])(?:UTF-8|utf-8)(?P=r))? ?\?>"
)
_ROOT: Final = _compiled(rf'(?P<name>{_NAME})(?P<said>(?: [A-Za-z]++="{_VALUE}")*+)')
_ATTRIBUTE: Final = _compiled(rf' (\w+)="({_VALUE})"')
_BLOCK: Final = _compiled(
    rf'case xmlns="{CASE_NS}" case_id="(?P<case_id>{_VALUE})"'
    rf'(?: date_modified="(?P<date>{_VALUE})")?(?: user_id="(?P<user_id>{_VALUE})")?'
)
_OPEN: Final = _compiled(_NAME)
_INDEX: Final = _compiled(
    rf'({_NAME}) case_type="({_VALUE})"(?: relationship="(\w+)")?'
)
_WHOLE_TEXT: Final = _compiled(_TEXT)
_ACTIONS: Final = ("create", "update", "index")
_META: Final = f'meta xmlns="{META_NS}"'
_PREFIXED_META: Final = f'orx:meta xmlns:orx="{META_NS}"'
_APP_VERSION: Final = f'cc:appVersion xmlns:cc="{APP_VERSION_NS}"/'
_MEANT_OTHERWISE: Final = frozenset({DEVICE_LOG_NS, LEDGER_NS})
_NO_QUESTIONS: Final = frozenset({"case", "meta", "Meta"})
_MOST_SHAPES: Final = 500
_LONGEST_SHAPE: Final = 10_000
_LONGEST_ROOT: Final = 1_000


class PlainForm(NamedTuple):
    """What the bytes of a form say: texts of the meta block, case blocks."""

    xmlns: str
    name: str | None
    version: str | None
    meta: Mapping[str, str]
    blocks: tuple[CaseBlock, ...]


class _NotPlain(Exception):
    """This is for the parser of XML."""


def read_plain_form(body: bytes) -> PlainForm | None:
    """Return a form that is plain and breaks no rule by itself.

    The bytes must be a document that ``parse_xml`` takes as it is: that of a form that
    was accepted, or that the server has just written.
    """
    # The return is what a parser makes another character of.
    if len(body) > _LONGEST or b"\r" in body or b"<!" in body:
        return None
    if _PREFIX in body and b"<orx:meta" not in body:
        return None
    try:
        return _Pieces(body.decode()).form()
    except (_NotPlain, Rejected, UnicodeDecodeError):
        return None


class _Pieces:
    """What stands between the brackets of each tag, and the text behind each.

    Every tag has one bracket of either kind. Where there are as many of both, and no
    comments and the like, no other is left that could stand in a text: so brackets of
    one kind and of the other come by turns.
    """

    def __init__(self, text: str) -> None:
        declared = _DECLARATION.match(text)
        if declared is not None:
            text = text[declared.end() :]
        if text.count("<") != text.count(">") or "<?" in text:
            raise _NotPlain
        cut = text.replace(">", _CUT).split(_CUT)
        self._tags = cut[1::2]
        self._texts = cut[2::2]
        self._is_escaped = "&" in text
        if cut[0] or self._texts[-1]:
            raise _NotPlain

    def form(self) -> PlainForm:
        """Return the form; raises ``Rejected`` where it breaks a rule."""
        tags, texts = self._tags, self._texts
        root = _root(tags[0])
        if tags[-1] != root.end or texts[0]:
            raise _NotPlain
        meta, blocks = self._children(len(tags) - 1)
        return PlainForm(root.xmlns, root.name, root.version, meta, blocks)

    def _children(self, last: int) -> tuple[Mapping[str, str], tuple[CaseBlock, ...]]:
        tags, at = self._tags, 1
        meta: Mapping[str, str] | None = None
        blocks = []
        while at < last:
            block = _BLOCK.fullmatch(tags[at])
            if block is not None:
                end = self._end("/case", at)
                blocks.append(self._block(block, at, end))
            elif meta is None and tags[at] in {_META, _PREFIXED_META}:
                end = self._end("/" + tags[at].partition(" ")[0], at)
                meta = self._meta(at, end)
            else:
                end = at + 1
                self._skip_question(at)
            if self._texts[end]:
                raise _NotPlain
            at = end + 1
        if at != last:
            raise _NotPlain
        return meta or {}, tuple(blocks)

    def _end(self, tag: str, at: int) -> int:
        try:
            return self._tags.index(tag, at)
        except ValueError:
            raise _NotPlain from None

    def _skip_question(self, at: int) -> None:
        (name,) = _leaves(tuple(self._tags[at : at + 2]))
        if name in _NO_QUESTIONS:
            raise _NotPlain
        self._values(self._texts[at : at + 1])

    def _meta(self, at: int, end: int) -> Mapping[str, str]:
        start = at + 1
        names = _meta_names(self._tags[at], _CUT.join(self._tags[start:end]))
        texts = self._texts[start:end]
        values = self._values(texts[: 2 * len(names) : 2])
        gaps = texts[1 : 2 * len(names) : 2] + texts[2 * len(names) :]
        meta = dict(zip(names, values, strict=True))
        if self._texts[at] or any(gaps) or meta.get("appVersion"):
            raise _NotPlain
        if len(meta.get("instanceID", "")) > MAX_LENGTH:
            raise _NotPlain
        return meta

    def _block(self, start: re.Match[str], at: int, end: int) -> CaseBlock:
        case_id, date, user_id = start.groups("")
        if self._is_escaped:
            case_id, date, user_id = map(_unescaped, (case_id, date, user_id))
        check_case_id(case_id)
        modified = read_date_modified(date)
        shape = _shapes[_CUT.join(self._tags[at + 1 : end])]
        texts = self._texts[at:end]
        if any(shape.gaps(texts)):
            raise _NotPlain
        values = self._values(texts)
        create = dict(zip(shape.created, values[shape.creates], strict=True))
        update = dict(zip(shape.updated, values[shape.updates], strict=True))
        indices = map(_index, shape.linked, values[shape.links])
        return CaseBlock(
            case_id,
            user_id or None,
            modified,
            special_values(create) if create else None,
            update or None,
            tuple(indices) if shape.linked else (),
            shape.closes,
        )

    def _values(self, texts: list[str]) -> list[str]:
        return list(map(_unescaped, texts)) if self._is_escaped else texts


class _Root(NamedTuple):
    """What the tag of a root says, and the tag that ends it."""

    end: str
    xmlns: str
    name: str | None
    version: str | None


# The forms of an application begin alike, and so do their meta blocks.
@lru_cache(maxsize=256)
def _root(tag: str) -> _Root:
    root = _ROOT.fullmatch(tag)
    if root is None or len(tag) > _LONGEST_ROOT:
        raise _NotPlain
    found = _ATTRIBUTE.findall(root["said"])
    said = {name: _unescaped(value) for name, value in found}
    xmlns = said.get("xmlns", "")
    if not xmlns or xmlns in _MEANT_OTHERWISE:
        raise _NotPlain
    return _Root(f"/{root['name']}", xmlns, said.get("name"), said.get("version"))


@lru_cache(maxsize=256)
def _meta_names(start: str, joined: str) -> tuple[str, ...]:
    """Return the names in a meta block, of which these are the tags."""
    if start == _PREFIXED_META:
        if not joined.endswith(_APP_VERSION):
            raise _NotPlain
        tags = _tags(joined.removesuffix(_APP_VERSION).removesuffix(_CUT))
        if not all(tag.startswith(("orx:", "/orx:")) for tag in tags):
            raise _NotPlain
        joined = _CUT.join(tag.replace("orx:", "", 1) for tag in tags)
    names = _leaves(_tags(joined))
    if not META_FIELDS.issuperset(names):
        raise _NotPlain
    return names


class _Shape(NamedTuple):
    """What the tags of a block mean: names, and places among the texts behind tags.

    ``gaps`` takes those texts that must be none, and ``linked`` are the indices without
    the cases that they point at.
    """

    created: tuple[str, ...]
    creates: slice
    updated: tuple[str, ...]
    updates: slice
    linked: tuple[IndexUpdate, ...]
    links: slice
    closes: bool
    gaps: Callable[[list[str]], Iterable[str]]


class _Shapes(dict[str, _Shape]):
    """Shapes by the tags between those of a block; bounded, as senders choose them."""

    def __missing__(self, joined: str) -> _Shape:
        """Make out what tags mean."""
        made = _shape(_tags(joined))
        if len(joined) <= _LONGEST_SHAPE:
            if len(self) >= _MOST_SHAPES:
                self.clear()
            self[joined] = made
        return made


_shapes = _Shapes()


def _tags(joined: str) -> tuple[str, ...]:
    return tuple(joined.split(_CUT)) if joined else ()


def _shape(tags: tuple[str, ...]) -> _Shape:
    spans: dict[str, tuple[int, int]] = {}
    closes, at = False, 0
    while at < len(tags):
        name = tags[at]
        if name == "close/" and not closes:
            closes, at = True, at + 1
        elif name in _ACTIONS and name not in spans and f"/{name}" in tags[at:]:
            end = tags.index(f"/{name}", at)
            spans[name], at = (at + 1, end), end + 1
        else:
            raise _NotPlain
    inner = [tags[slice(*spans.get(name, (0, 0)))] for name in _ACTIONS]
    # The text of a tag stands one further on: before them is that of the block's own.
    places = [
        slice(start + 1, stop + 1, 2)
        for start, stop in (spans.get(name, (0, 0)) for name in _ACTIONS)
    ]
    return _Shape(
        _leaves(inner[0]),
        places[0],
        _leaves(inner[1]),
        places[1],
        _links(inner[2]),
        places[2],
        closes,
        _gaps(places, len(tags) + 1),
    )


def _gaps(places: Iterable[slice], count: int) -> Callable[[list[str]], Iterable[str]]:
    taken = {n for place in places for n in range(count)[place]}
    gaps = [n for n in range(count) if n not in taken]
    return itemgetter(*gaps) if len(gaps) > 1 else itemgetter(slice(0, 1))


def _leaves(tags: Sequence[str]) -> tuple[str, ...]:
    """Return the names of elements that hold nothing but a text."""
    names = tags[::2]
    if [f"/{name}" for name in names] != list(tags[1::2]) or _repeats(names):
        raise _NotPlain
    if not all(map(_OPEN.fullmatch, names)):
        raise _NotPlain
    return tuple(names)


def _links(tags: Sequence[str]) -> tuple[IndexUpdate, ...]:
    """Return the indices of a block without the cases that they point at."""
    found = [_INDEX.fullmatch(tag) for tag in tags[::2]]
    links = [
        IndexUpdate(match[1], "", _unescaped(match[2]), match[3] or "child")
        for match in found
        if match is not None
    ]
    ends = [f"/{link.name}" for link in links]
    known = all(link.relationship in RELATIONSHIPS for link in links)
    if (
        ends != list(tags[1::2])
        or len(ends) < len(found)
        or _repeats(ends)
        or not known
    ):
        raise _NotPlain
    return tuple(links)


def _index(link: IndexUpdate, target: str) -> IndexUpdate:
    # Beside an attribute, blanks alone are layout.
    case_id = target if target.strip(BLANKS) else ""
    return IndexUpdate(link.name, case_id, link.case_type, link.relationship)


def _repeats(names: Sequence[str]) -> bool:
    return len(set(names)) < len(names)


def _unescaped(text: str) -> str:
    """Return what a text or a value means, if its references are those of ours."""
    if "&" not in text:
        return text
    if _WHOLE_TEXT.fullmatch(text) is None:
        raise _NotPlain
    return unescape(text)
