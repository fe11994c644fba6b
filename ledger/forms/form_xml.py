"""Forms in XML: reading what arrives, building what the server writes. Pure.

``parse_form`` raises ``Malformed`` and nothing else: a rule that a case block breaks is
kept on the form, because such a form is stored under its own id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Final

from ledger.entry import Author
from ledger.errors import Malformed, Rejected
from ledger.forms.case_block import CaseBlock
from ledger.forms.case_text import write_case_blocks
from ledger.forms.case_xml import (
    MAX_LENGTH,
    case_elements,
    read_case_blocks,
    read_ledger_case_ids,
    value_error,
)
from ledger.forms.form import (
    APP_VERSION_NS,
    CASE_API_XMLNS,
    DEVICE_LOG_NS,
    META_FIELDS,
    META_NS,
    Form,
    FormMeta,
)
from ledger.forms.named_cases import plainly_named
from ledger.forms.plain_form import read_plain_form
from ledger.forms.xml import (
    MAX_BODY,
    Element,
    children_of,
    local_name,
    namespace,
    own_text,
    parse_xml,
    texts_by_name,
    xml_safe,
)
from ledger.forms.xml_text import as_text, written_form
from ledger.times import Instant, parse_instant

_LEGACY: Final = "Meta"
_SHORTEST_APP_VERSION: Final = 6
_LONGEST_COMMCARE_VERSION: Final = 8
_LONGEST_CACHED: Final = 300
_APP_BUILD: Final = (
    re.compile(r" #([0-9]+) "),
    re.compile(r"b\[([0-9]+)\]"),
    re.compile(r"App v([0-9]+)."),
)
_COMMCARE: Final = (
    re.compile(r'version "([0-9.]+)"'),
    re.compile(r'"([0-9.]+)"\s+\([0-9]+\)'),
    re.compile(r'"\s*([0-9.]+)\s*"'),
)
SYSTEM: Final = ' version="1" uiVersion="1"'
"""The attributes of the root of a form that no application made."""

_WRITTEN_META: Final = (
    f'<orx:meta xmlns:orx="{META_NS}"><orx:deviceID>%s</orx:deviceID>'
    "<orx:timeStart>%s</orx:timeStart><orx:timeEnd>%s</orx:timeEnd>"
    "<orx:username>%s</orx:username><orx:userID>%s</orx:userID>"
    "<orx:instanceID>%s</orx:instanceID>"
    f'<cc:appVersion xmlns:cc="{APP_VERSION_NS}"/></orx:meta>'
)


def parse_form(body: bytes, *, limit: int = MAX_BODY) -> Form:
    """Return the form that the bytes of a submission are.

    Raises ``Malformed`` when they are no XML or name no xmlns, and nothing else
    (``rules/case-xml.md`` 2, 3 and 12). The first rule that a case block breaks is
    the form's ``rejection``; such a form has no blocks.
    """
    root = parse_xml(body, limit=limit)
    return _plain(body, _plain_meta) or _read(root, read_meta)


def parse_written(body: bytes) -> Form:
    """Return what ``parse_form`` does, of bytes that the server itself has written.

    They are XML because of how they were written, so plain ones are read as they
    are, without a tree. Raises ``Malformed``.
    """
    return _plain(body, _plain_meta) or _read(parse_xml(body), read_meta)


def parse_for_fold(body: bytes) -> Form:
    """Return an accepted form with no more of its meta block than a fold asks for.

    That are the ids; everything else is as ``parse_form`` returns it. The times and
    names of a meta block cost as much to read as the case blocks, and no case depends
    on them. Raises ``Malformed``.
    """
    return _plain(body, _plain_ids) or parse_for_proof(body)


def parse_for_proof(body: bytes) -> Form:
    """Return what ``parse_for_fold`` does, by walking the tree whatever the form is.

    A proof goes the long way, so that it proves the short one too. Raises
    ``Malformed``.
    """
    return _read(parse_xml(body), _read_ids)


def named_case_ids(body: bytes) -> list[str]:
    """Return the ids of the cases that an accepted form names, ascending.

    The same as those of ``parse_for_fold``, for a fraction of the work.
    """
    plain = plainly_named(body)
    if plain is not None:
        return sorted(plain)
    root = parse_xml(body)
    if namespace(root) == DEVICE_LOG_NS:
        return []
    named = (element.get("case_id") for element in case_elements(root))
    ids = {case_id for case_id in named if case_id is not None}
    return sorted(ids.union(read_ledger_case_ids(root)))


def _plain(
    body: bytes, meta_of_texts: Callable[[Mapping[str, str]], FormMeta]
) -> Form | None:
    """Return a form that can be read without a tree, unless it cannot."""
    found = read_plain_form(body)
    if found is None:
        return None
    xmlns, name, version, texts, blocks = found
    meta = meta_of_texts(texts)
    return Form(meta.instance_id, xmlns, name, version, meta, blocks)


def _read(root: Element, read: Callable[[Element], FormMeta]) -> Form:
    xmlns = xmlns_of(root)
    if not xmlns:
        text = "Form is missing a required field: XMLNS"
        raise Malformed(text)
    meta = read(root)
    form_id, rejection = _form_id(meta.instance_id)
    blocks: tuple[CaseBlock, ...] = ()
    ledger_case_ids: tuple[str, ...] = ()
    is_device_log = xmlns == DEVICE_LOG_NS and namespace(root) == xmlns
    if rejection is None and not is_device_log:
        try:
            found = read_case_blocks(root)
            ledger_case_ids = read_ledger_case_ids(root)
            blocks = found
        except Rejected as error:
            # A fresh one: the caught one would keep the whole tree alive.
            rejection = Rejected(error.code, error.text)
    name, version = root.get("name"), root.get("version")
    return Form(
        form_id,
        xmlns,
        name,
        version,
        meta,
        blocks,
        ledger_case_ids,
        is_device_log,
        rejection,
    )


def xmlns_of(root: Element) -> str:
    """Return the xmlns of a form: a namespace, or the ``id`` that XLSForms have.

    Empty where the root has neither (``rules/case-xml.md`` 2.3).
    """
    return namespace(root) or root.get("id", "").strip()


def build_form(
    blocks: Iterable[CaseBlock],
    *,
    form_id: str,
    author: Author,
    now: Instant,
    xmlns: str = CASE_API_XMLNS,
) -> bytes:
    """Return the form of a write of the server (``rules/case-api-v2.md`` 8).

    A block without date or user gets ``now`` and the author. Raises ``ValueError`` for
    names and values that XML cannot carry; the author's texts come from headers and
    are made safe instead.
    """
    meta = write_meta(form_id, author=author, now=now)
    written = write_case_blocks(blocks, now=now, user_id=author.user_id)
    return written_form("system", xmlns, (meta, *written), attributes=SYSTEM)


def _form_id(instance_id: str | None) -> tuple[str | None, Rejected | None]:
    """Return the id a form claims; one that is too long is refused, not used."""
    if instance_id is None or len(instance_id) <= MAX_LENGTH:
        return instance_id, None
    error = f"Value exceeds allowed length: {MAX_LENGTH}"
    return None, value_error("instanceID", error)


def read_meta(root: Element) -> FormMeta:
    """Return the first meta block below the root (``rules/case-xml.md`` 3.1)."""
    element = meta_of(root)
    if element is None:
        return FormMeta()
    children = children_of(element)
    texts = texts_by_name(children)
    meta = _meta(texts, _ids(element, texts))
    if meta.app_version is None and texts.keys() <= META_FIELDS:
        return meta
    return meta._replace(extra=_extra(children, root))


def _read_ids(root: Element) -> FormMeta:
    """Return the ids of the meta block that ``read_meta`` reads, and nothing else."""
    element = meta_of(root)
    if element is None:
        return FormMeta()
    texts = texts_by_name(children_of(element))
    return FormMeta(*_ids(element, texts), _not_blank(texts.get("deprecatedID")))


def _plain_meta(texts: Mapping[str, str]) -> FormMeta:
    return _meta(texts, _plain_ids(texts)[:2])


def _plain_ids(texts: Mapping[str, str]) -> FormMeta:
    return FormMeta(_not_blank(texts.get("instanceID")), texts.get("userID") or None)


def _meta(texts: Mapping[str, str], ids: tuple[str | None, str | None]) -> FormMeta:
    """Return a meta block of which these are the texts, and those the ids."""
    text = texts.get
    return FormMeta(
        *ids,
        _not_blank(text("deprecatedID")),
        text("username"),
        text("deviceID"),
        _instant(text("timeStart")),
        _instant(text("timeEnd")),
        text("appVersion") or None,
    )


def meta_of(root: Element) -> Element | None:
    """Return the meta block of a form (``rules/case-xml.md`` 3.1)."""
    return next(root.iterchildren("{*}meta", "{*}Meta"), None)


def id_element(root: Element) -> Element | None:
    """Return the element that says a form's id (``rules/case-xml.md`` 3.2 and 3.3)."""
    meta = meta_of(root)
    if meta is None:
        return None
    named = {local_name(child): child for child in children_of(meta)}
    old = named.get("uid") if local_name(meta) == _LEGACY else None
    return old if old is not None and own_text(old) else named.get("instanceID")


def _ids(element: Element, texts: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the form's id and the user's, under their old names where those stand."""
    instance_id, user_id = texts.get("instanceID"), texts.get("userID")
    if local_name(element) == _LEGACY:
        instance_id = texts.get("uid") or instance_id
        user_id = texts.get("user_id") or user_id
    return _not_blank(instance_id), user_id or None


def _extra(children: list[Element], root: Element) -> dict[str, str]:
    """Return what a meta block says beside its fields, and what follows from it."""
    extra: dict[str, str] = {}
    for child in children:
        name = local_name(child)
        if name == "appVersion":
            extra.update(app_versions(own_text(child), root.get("version")))
        elif name not in META_FIELDS:
            extra[name] = _flat(child) if len(child) else own_text(child)
    if not extra.get("location", "-"):
        del extra["location"]
    return extra


def _flat(element: Element) -> str:
    """Return nested values as ``key:value, key:value``."""
    pairs = (f"{local_name(leaf)}:{own_text(leaf)}" for leaf in _leaves(element))
    return ", ".join(pairs)


def _leaves(element: Element) -> Iterator[Element]:
    return (leaf for leaf in element.iterdescendants() if not len(leaf))


def app_versions(text: str, form_version: str | None) -> dict[str, str]:
    """Return ``app_build_version`` and ``commcare_version`` of an appVersion text.

    The root's ``version`` stands in for the first unless it is ``1``
    (``rules/case-xml.md`` 3). The build id of a submission's URL goes before both
    and is not known here.
    """
    build, commcare = _app_versions(text[:_LONGEST_CACHED])
    if build is None and form_version != "1":
        build = form_version
    found = {"app_build_version": build, "commcare_version": commcare}
    return {name: value for name, value in found.items() if value}


@lru_cache(maxsize=1024)
def _app_versions(text: str) -> tuple[str | None, str | None]:
    if len(text) < _SHORTEST_APP_VERSION:
        return None, None
    commcare = _first_match(_COMMCARE, text)
    return (
        _first_match(_APP_BUILD, text),
        commcare and commcare[:_LONGEST_COMMCARE_VERSION],
    )


def _first_match(patterns: Iterable[re.Pattern[str]], text: str) -> str | None:
    found = (pattern.search(text) for pattern in patterns)
    return next((match[1] for match in found if match), None)


def _not_blank(text: str | None) -> str | None:
    return text if text and not text.isspace() else None


def _instant(text: str | None) -> Instant | None:
    """Return a time of the meta block; what cannot be read is left out."""
    if not text:
        return None
    try:
        return parse_instant(text)
    except ValueError:
        return None


def write_meta(form_id: str, *, author: Author, now: Instant) -> str:
    """Return the meta block of a form that the server writes (``rules/case-xml.md`` 3).

    The author's texts come from headers and are made safe for XML. Raises
    ``ValueError`` for an id that XML cannot carry.
    """
    texts = (
        xml_safe(author.device_id),
        now,
        now,
        xml_safe(author.username),
        xml_safe(author.user_id),
        form_id,
    )
    return _WRITTEN_META % tuple(map(as_text, texts))
