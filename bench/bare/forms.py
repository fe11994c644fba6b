"""Forms of the bare pipeline: parse and walk, build by templates, compress."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import escape

from backports import zstd
from lxml import etree

from bench import xforms

CASE_TAG = f"{{{xforms.CASE_NS}}}case"
_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, remove_comments=True, remove_pis=True
)
_NAMES: dict[str, str] = {}


@dataclass(slots=True)
class Block:
    """What a form says about one case."""

    case_id: str
    date: str
    create: dict[str, str] | None = None
    update: dict[str, str] = field(default_factory=dict)
    index: list[tuple[str, str, str, str]] = field(default_factory=list)
    close: bool = False


@dataclass(slots=True)
class Form:
    """One form on its way into the tables."""

    form_id: str
    body: bytes
    blocks: list[Block]


def parse(body: bytes) -> Form:
    """Read a form: one parse, one walk over its case elements."""
    root = etree.fromstring(body, _PARSER)
    form_id = ""
    for element in root.iter("{http://openrosa.org/jr/xforms}instanceID"):
        form_id = element.text or ""
    return Form(form_id, body, [_block(case) for case in root.iter(CASE_TAG)])


def build(rows: Iterable[dict[str, Any]], date: str) -> Form:
    """Make the form of a bulk request from templates; it is never parsed."""
    rows = list(rows)
    ids = {row["temporary_id"]: uuid4().hex for row in rows if "temporary_id" in row}
    blocks = [_change(row, ids, date) for row in rows]
    form_id = uuid4().hex
    text = "".join(map(_text, blocks))
    body = (
        '<?xml version="1.0"?><system xmlns="http://commcarehq.org/case_api">'
        '<meta xmlns="http://openrosa.org/jr/xforms"><deviceID/>'
        f"<timeStart>{date}</timeStart><timeEnd>{date}</timeEnd>"
        f"<username>bench</username><userID>{xforms.USER_ID}</userID>"
        f"<instanceID>{form_id}</instanceID></meta>{text}</system>"
    )
    return Form(form_id, body.encode(), blocks)


def trained_dictionary() -> bytes:
    """Return a dictionary of 32 KB trained on forms of the data set."""
    return zstd.train_dict(xforms.samples(2000), 32 * 1024).dict_content


class Compressor:
    """zstd level 3 with the dictionary that the database keeps."""

    def __init__(self, dictionary: bytes) -> None:
        self._dictionary = zstd.ZstdDict(dictionary).as_digested_dict
        self._packer = zstd.ZstdCompressor(level=3, zstd_dict=self._dictionary)

    def pack(self, body: bytes) -> bytes:
        """Return the compressed bytes of a body."""
        return self._packer.compress(body, zstd.ZstdCompressor.FLUSH_FRAME)

    def unpack(self, packed: bytes) -> bytes:
        """Return the bytes that were packed."""
        return zstd.decompress(packed, zstd_dict=self._dictionary)


def _block(case: etree._Element) -> Block:
    get = case.attrib.get
    block = Block(get("case_id", ""), get("date_modified", ""))
    for child in case:
        action = _local(child.tag)
        if action == "create":
            block.create = {_local(e.tag): e.text or "" for e in child}
        elif action == "update":
            block.update = {_local(e.tag): e.text or "" for e in child}
        elif action == "index":
            block.index = [_reference(e) for e in child]
        elif action == "close":
            block.close = True
    return block


def _reference(e: etree._Element) -> tuple[str, str, str, str]:
    kind, relation = e.get("case_type", ""), e.get("relationship", "child")
    return _local(e.tag), e.text or "", kind, relation


def _local(tag: Any) -> str:
    name = _NAMES.get(tag)
    if name is None:
        name = _NAMES[tag] = tag.rpartition("}")[2]
    return name


def _change(row: dict[str, Any], ids: dict[str, str], date: str) -> Block:
    case_id = row.get("case_id") or ids.get(row.get("temporary_id", "")) or uuid4().hex
    create = None
    if row.get("create"):
        create = {
            name: row[name]
            for name in ("case_type", "case_name", "owner_id", "external_id")
        }
    index = [
        (name, ids[to["temporary_id"]], to["case_type"], to["relationship"])
        for name, to in row.get("indices", {}).items()
    ]
    return Block(case_id, date, create, row["properties"], index)


def _text(block: Block) -> str:
    head = f'xmlns="{xforms.CASE_NS}" case_id="{block.case_id}"'
    parts = [f'<case {head} date_modified="{block.date}" user_id="{xforms.USER_ID}">']
    if block.create:
        parts.append(f"<create>{_elements(block.create)}</create>")
    parts.append(f"<update>{_elements(block.update)}</update>")
    if block.index:
        parts.append("<index>")
        parts += [
            f'<{name} case_type="{kind}" relationship="{relation}">{to}</{name}>'
            for name, to, kind, relation in block.index
        ]
        parts.append("</index>")
    parts.append("</case>")
    return "".join(parts)


def _elements(values: dict[str, str]) -> str:
    return "".join(f"<{name}>{escape(text)}</{name}>" for name, text in values.items())
