"""The forms of the server as lxml writes them: what its own writer is held against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree
from lxml.etree import SubElement

from ledger.entry import Author
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import APP_VERSION_NS, CASE_NS, META_NS
from ledger.forms.xml import Element, to_bytes, xml_safe

SPECIAL = ("case_type", "case_name", "owner_id", "external_id", "date_opened")


def built_by_lxml(
    blocks: Iterable[CaseBlock],
    *,
    form_id: str,
    author: Author,
    now: str,
    xmlns: str,
    name: str = "system",
    attributes: Mapping[str, str] | None = None,
    head: Mapping[str, str] | None = None,
    completed: bool = True,
) -> bytes:
    """Return a form; raises ``ValueError`` for what XML cannot carry."""
    root = _root(f"{{{xmlns}}}{name}", attributes or {}, {None: xmlns})
    for key, text in (head or {}).items():
        SubElement(root, f"{{{xmlns}}}{key}").text = xml_safe(text)
    _add_meta(root, form_id, author, now)
    for block in blocks:
        date = block.date_modified or (now if completed else "")
        user = block.user_id or (author.user_id if completed else "")
        element = _block(block, date or "", user or "")
        root.append(element)
    return to_bytes(root)


def _root(tag: str, attributes: Mapping[str, str], nsmap: Any) -> Element:
    return etree.Element(tag, dict(attributes), nsmap)


def _add_meta(root: Element, form_id: str, author: Author, now: str) -> None:
    meta = SubElement(root, f"{{{META_NS}}}meta", None, {"orx": META_NS})
    texts = {
        "deviceID": xml_safe(author.device_id),
        "timeStart": now,
        "timeEnd": now,
        "username": xml_safe(author.username),
        "userID": xml_safe(author.user_id),
        "instanceID": form_id,
    }
    for name, text in texts.items():
        SubElement(meta, f"{{{META_NS}}}{name}").text = text
    SubElement(meta, f"{{{APP_VERSION_NS}}}appVersion", None, {"cc": APP_VERSION_NS})


def _block(block: CaseBlock, date: str, user: str) -> Element:
    """Return a block: first its elements, then what stands in them."""
    element = _root(f"{{{CASE_NS}}}case", {}, {None: CASE_NS})
    fields = {
        "create": _ordered(block.create or {}),
        "update": _ordered(block.update or {}),
        "close": [] if block.close else None,
        "index": [index.name for index in block.indices],
        "attachment": [attachment.name for attachment in block.attachments],
    }
    made = {
        action: _action(element, action, names)
        for action, names in fields.items()
        if names or (action == "close" and block.close)
    }
    _set(element, case_id=block.case_id)
    if date:
        _set(element, date_modified=date)
    if user:
        _set(element, user_id=user)
    for action, values in (("create", block.create), ("update", block.update)):
        for name, child in zip(fields[action] or (), made.get(action, ()), strict=True):
            child.text = (values or {})[name]
    _refer(block, made)
    return element


def _refer(block: CaseBlock, made: Mapping[str, Element]) -> None:
    for index, child in zip(block.indices, made.get("index", ()), strict=True):
        child.set("case_type", index.case_type)
        if index.relationship != "child":
            child.set("relationship", index.relationship)
        child.text = index.case_id
    files = made.get("attachment", ())
    for attachment, child in zip(block.attachments, files, strict=True):
        if attachment.src:
            child.set("src", attachment.src)
        if attachment.origin:
            child.set("from", attachment.origin)


def _ordered(values: Mapping[str, str]) -> list[str]:
    special = [name for name in SPECIAL if name in values]
    return [*special, *sorted(values.keys() - set(SPECIAL))]


def _action(block: Element, action: str, names: Iterable[str] | None) -> Element:
    element = SubElement(block, f"{{{CASE_NS}}}{action}")
    for name in names or ():
        SubElement(element, f"{{{CASE_NS}}}{name}")
    return element


def _set(element: Element, **attributes: str) -> None:
    for name, value in attributes.items():
        element.set(name, value)
