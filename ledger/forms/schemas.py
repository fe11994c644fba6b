"""The XML schemas of ``schemas/``: to explain a form, never to accept one.

A check with these costs a hundred times a parse, so it has no place on the path of a
submission (``rules/design.md`` 3.4).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from xmlschema import XMLSchema

from ledger.forms.xml import parse_xml

_FOLDER: Final = Path(__file__).resolve().parents[2] / "schemas"
_SCHEMAS: Final = {
    "case": ("case-transaction-v2.xsd", "case"),
    "meta": ("openrosa-meta.xsd", "meta"),
    "response": ("openrosa-response.xsd", "OpenRosaResponse"),
}


def violations(name: str, body: bytes) -> list[str]:
    """Return where a document breaks a schema: ``<path>: <reason>`` each.

    ``name`` is ``case``, ``meta`` or ``response``; every such element of the document
    is looked at. Raises ``Malformed`` for what is no XML, ``KeyError`` for another
    name.
    """
    schema = _schema(name)
    elements = parse_xml(body).iter(f"{{{schema.target_namespace}}}{_SCHEMAS[name][1]}")
    return [
        f"{error.path}: {error.reason}"
        for element in elements
        for error in schema.iter_errors(element)
    ]


@cache
def _schema(name: str) -> XMLSchema:
    return XMLSchema(_FOLDER / _SCHEMAS[name][0])
