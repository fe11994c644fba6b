"""The body of a Sunbird upload: a file or a text in one of three forms. Pure.

``rules/batch-imports.md`` 2.1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import parse_qsl

from api.wire.json_bytes import parse_json
from api.wire.multipart_body import read_parts
from importers.sunbird.rules.columns import Code, Refused
from ledger.forms.names import printable

_LONGEST_NAME = 255
_MOST_FIELDS = 1000
_DATA = "data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What an upload brings: the file, if there is one, and the texts beside it."""

    content: bytes | None
    name: str | None
    fields: Mapping[str, str]


def read_body(body: bytes, content_type: str, *, field: str) -> Sent:
    """Return what a body holds; ``field`` is the documented name of the file.

    Raises ``Refused`` for a body of no known form.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "multipart/form-data":
            return _multipart(body, content_type)
        if kind == "application/x-www-form-urlencoded":
            return _urlencoded(body, field)
        if kind == "application/json":
            return _json(body)
    except ValueError:
        pass
    raise Refused(Code.INVALID_DATA, "Incorrect data.")


def _multipart(body: bytes, content_type: str) -> Sent:
    parts = read_parts(body, content_type)
    fields = {
        p.name: p.content.decode("utf-8", "replace") for p in parts if not p.filename
    }
    for part in parts:
        if part.filename:
            name = printable(PurePath(part.filename).name)[-_LONGEST_NAME:]
            return Sent(content=part.content, name=name, fields=fields)
    return Sent(content=None, name=None, fields=fields)


def _urlencoded(body: bytes, field: str) -> Sent:
    # Bytes that are no text stay what they are, for the reader of CSV to refuse.
    text = body.decode("utf-8", "surrogateescape")
    pairs = parse_qsl(
        text,
        keep_blank_values=True,
        errors="surrogateescape",
        max_num_fields=_MOST_FIELDS,
    )
    fields = dict(pairs)
    given = fields.get(_DATA, fields.get(field))
    content = None if given is None else given.encode("utf-8", "surrogateescape")
    return Sent(content=content, name=None, fields=fields)


def _json(body: bytes) -> Sent:
    asked: Any = parse_json(body)
    request = asked.get("request") if isinstance(asked, dict) else None
    if not isinstance(request, dict):
        raise ValueError("no request")  # noqa: TRY004 - so is what is no JSON
    fields = {name: text for name, text in request.items() if isinstance(text, str)}
    given = fields.get(_DATA)
    content = None if given is None else given.encode()
    return Sent(content=content, name=None, fields=fields)
