"""What an export says of a case and of a form: as an object, and as cells. Pure.

The keys of an object are those of the APIs (``rules/case-api-v2.md`` 3,
``rules/hq-apis.md`` 3.1), and the columns of a table are the paths of its texts. So
are the older downloads of ``rules/hq-apis.md`` 15.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import orjson

from ledger.times import format_micros
from projections.rule.case_row import SeenCase, wire_fields
from projections.rule.form_json import METADATA, StoredForm, form_texts

T = TypeVar("T")

_FIXED_OF_CASES = (
    "domain",
    "case_id",
    "case_type",
    "case_name",
    "external_id",
    "owner_id",
    "date_opened",
    "last_modified",
    "server_last_modified",
    "indexed_on",
    "closed",
    "date_closed",
)
_IMPORT_COLUMNS = ("case_id", "name", "external_id", "owner_id")
_PLAIN_OF_FORMS = (
    "id",
    "domain",
    "xmlns",
    "type",
    "version",
    "uiversion",
    "received_on",
    "indexed_on",
    "user_id",
    "state",
    "problem",
)
_FIXED_OF_FORMS = (
    *_PLAIN_OF_FORMS,
    "attachments",
    *(f"metadata.{name}" for name in METADATA),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Generic[T]):
    """How the things of one kind are written.

    ``line`` makes a line of JSON and ``cells`` the texts of a row by column, those
    that are not there left out. ``columns`` puts all names that occur in order.
    """

    title: str
    line: Callable[[T], bytes]
    cells: Callable[[T], dict[str, str]]
    columns: Callable[[Iterable[str]], list[str]]


def case_line(row: SeenCase) -> bytes:
    """Return a case as a line of JSON, in the shape of the case API."""
    found = {
        **wire_fields(row),
        "properties": orjson.Fragment(row.properties),
        "indices": orjson.Fragment(row.indices),
    }
    return orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE)


def case_cells(row: SeenCase) -> dict[str, str]:
    """Return the texts of a case by column."""
    cells = {name: _text(value) for name, value in wire_fields(row).items()}
    for name, value in orjson.loads(row.properties).items():
        cells[f"properties.{name}"] = value
    for name, index in orjson.loads(row.indices).items():
        for key in ("case_id", "case_type", "relationship"):
            cells[f"indices.{name}.{key}"] = index[key]
    return cells


def case_columns(names: Iterable[str]) -> list[str]:
    """Return the columns of cases: fixed ones, then properties and indices by name."""
    others = sorted(set(names) - set(_FIXED_OF_CASES))
    others.sort(key=lambda name: name.startswith("indices."))
    return [*_FIXED_OF_CASES, *others]


def import_layout(can_be_imported: Callable[[str], bool]) -> Layout[SeenCase]:
    """Return the layout of cases that an import of spreadsheets reads as it is.

    Properties whose names cannot be those of columns there have none.
    """

    def cells(row: SeenCase) -> dict[str, str]:
        fixed = wire_fields(row)
        properties = orjson.loads(row.properties).items()
        return {
            "case_id": _text(fixed["case_id"]),
            "name": _text(fixed["case_name"]),
            "external_id": _text(fixed["external_id"]),
            "owner_id": _text(fixed["owner_id"]),
            **{name: value for name, value in properties if can_be_imported(name)},
        }

    return Layout(title="cases", line=case_line, cells=cells, columns=_import_columns)


def _import_columns(names: Iterable[str]) -> list[str]:
    return [*_IMPORT_COLUMNS, *sorted(set(names) - set(_IMPORT_COLUMNS))]


def form_line(stored: StoredForm) -> bytes:
    """Return a form as a line of JSON."""
    return orjson.dumps(_form_object(stored), option=orjson.OPT_APPEND_NEWLINE)


def form_cells(stored: StoredForm) -> dict[str, str]:
    """Return the texts of a form by column: one for each leaf of its XML."""
    found = _form_object(stored)
    cells = {name: _text(found[name]) for name in _PLAIN_OF_FORMS}
    if found["attachments"]:
        cells["attachments"] = orjson.dumps(found["attachments"]).decode()
    for name, value in (found["metadata"] or {}).items():
        cells[f"metadata.{name}"] = _text(value)
    cells.update(leaves(found["form"] or {}, "form"))
    return cells


def form_columns(names: Iterable[str]) -> list[str]:
    """Return the columns of forms: fixed ones, then leaves as they first occurred."""
    return list(dict.fromkeys((*_FIXED_OF_FORMS, *names)))


def leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of every leaf; no two leaves share a path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}{_step(key)}")
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from leaves(inner, f"{path}[{place}]")
    else:
        yield path, value


CASES = Layout(title="cases", line=case_line, cells=case_cells, columns=case_columns)
FORMS = Layout(title="forms", line=form_line, cells=form_cells, columns=form_columns)


def _form_object(stored: StoredForm) -> dict[str, Any]:
    entry, texts = stored.version, form_texts(stored.body)
    return {
        "id": stored.form_id,
        "domain": entry.domain,
        "xmlns": entry.xmlns,
        "type": texts.root("#type") or None,
        "version": texts.root("@version"),
        "uiversion": texts.root("@uiVersion"),
        "received_on": format_micros(entry.received_on),
        "indexed_on": format_micros(stored.decided_on),
        "user_id": entry.user_id,
        "state": stored.state,
        "problem": stored.problem,
        "attachments": {
            a.name: {"content_type": a.content_type, "length": a.length}
            for a in entry.attachments
        },
        "metadata": texts.metadata,
        "form": texts.form,
    }


def _step(key: str) -> str:
    """Return a key as a step of a path; names of elements may hold dots."""
    return f"[{orjson.dumps(key).decode()}]" if "." in key else f".{key}"


def _text(value: str | bool | None) -> str:  # noqa: FBT001 - a value, no switch
    if isinstance(value, bool):
        return "true" if value else "false"
    return value or ""
