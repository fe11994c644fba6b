"""A stored form, and it as JSON (``rules/hq-apis.md`` 3.2 and 3.3). Pure.

Everything is a string; nothing is guessed to be a number or a date.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from ledger.entry import Entry
from ledger.forms.form import FormMeta
from ledger.forms.form_xml import read_meta, xmlns_of
from ledger.forms.xml import Element, local_name, namespace, own_text, parse_xml
from ledger.times import Micros

_METAS = frozenset(("meta", "Meta"))
_FROM_EXTRA = (
    "app_build_version",
    "commcare_version",
    "deprecatedID",
    "location",
    "geo_point",
)
METADATA = (
    "userID",
    "username",
    "deviceID",
    "instanceID",
    "timeStart",
    "timeEnd",
    "appVersion",
    *_FROM_EXTRA,
)
"""The keys of ``metadata_json``."""


class StoredForm(NamedTuple):
    """A form, the entry that decided its state and the one that holds its bytes.

    ``version`` is the entry of the bytes, and ``body`` is ``None`` where those are not
    there any more; ``decided_on`` and ``problem`` are of the entry of the state.
    ``edit`` is the entry that last gave the form other bytes, where that was looked up.
    """

    form_id: str
    state: str
    decided_on: Micros
    problem: str | None
    version: Entry
    body: bytes | None
    edit: Entry | None = None


class FormTexts(NamedTuple):
    """What the bytes of a form say: its XML as JSON, and its cleaned meta block.

    ``form`` is ``None`` without bytes, ``metadata`` without a meta block.
    """

    form: dict[str, Any] | None
    metadata: dict[str, str | None] | None

    def root(self, name: str) -> str:
        """Return an attribute of the root, such as ``@version``, else an empty text."""
        value: str = (self.form or {}).get(name, "")
        return value


def form_texts(body: bytes | None) -> FormTexts:
    """Return what the bytes of a stored form say; raises ``Malformed``."""
    if body is None:
        return FormTexts(None, None)
    root = parse_xml(body)
    form = form_json(root)
    return FormTexts(
        form, metadata_json(read_meta(root)) if has_metadata(form) else None
    )


def form_json(root: Element) -> dict[str, Any]:
    """Return the root of a form as an object, keys in document order.

    Attributes are ``@name``, text beside attributes or children is ``#text``, children
    of one name are an array, and a namespace that differs from the parent's is
    ``@xmlns``. The root's own name is ``#type``, and its ``@xmlns`` that of the form.
    """
    told = {"#type": local_name(root), **_object(root, None)}
    return {**told, "@xmlns": xmlns_of(root)}


def metadata_json(meta: FormMeta) -> dict[str, str | None]:
    """Return the cleaned meta block of a form; absent values are null."""
    return {
        "userID": meta.user_id,
        "username": meta.username,
        "deviceID": meta.device_id,
        "instanceID": meta.instance_id,
        "timeStart": meta.time_start,
        "timeEnd": meta.time_end,
        "appVersion": meta.app_version,
        **{name: meta.extra.get(name) for name in _FROM_EXTRA},
    }


def has_metadata(form: dict[str, Any]) -> bool:
    """Tell whether a form has a meta block."""
    return not _METAS.isdisjoint(form)


def _value(element: Element, outer: str) -> str | dict[str, Any]:
    plain = not len(element) and not element.attrib
    if plain and (namespace(element) == outer or _is_app_version(element)):
        return own_text(element)
    return _object(element, outer)


def _is_app_version(element: Element) -> bool:
    """Tell whether this is the version of the app, whose own xmlns means nothing."""
    meta = element.getparent()
    return (
        local_name(element) == "appVersion"
        and meta is not None
        and local_name(meta) in _METAS
    )


def _object(element: Element, outer: str | None) -> dict[str, Any]:
    inner = namespace(element)
    found: dict[str, Any] = {} if inner == outer else {"@xmlns": inner}
    for name, text in element.attrib.items():
        found[_attribute(str(name), found)] = str(text)
    text = "".join(_texts(element))
    if text:
        found["#text"] = text
    for child in element:
        _add(found, local_name(child), _value(child, inner))
    return found


def _attribute(name: str, taken: dict[str, Any]) -> str:
    """Return the key of an attribute: its local name, unless another has that."""
    short = f"@{name.rpartition('}')[2]}"
    return f"@{name}" if short in taken else short


def _texts(element: Element) -> Iterator[str]:
    """Yield the texts of an element; blanks between its children are layout."""
    yield own_text(element)
    for child in element:
        if child.tail and child.tail.strip(" \t\r\n"):
            yield child.tail


def _add(found: dict[str, Any], name: str, value: str | dict[str, Any]) -> None:
    before = found.get(name)
    if before is None:
        found[name] = value
    elif isinstance(before, list):
        before.append(value)
    else:
        found[name] = [before, value]
