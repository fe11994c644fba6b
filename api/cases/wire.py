"""Bodies of Case Data API v2 as changes and questions, with its messages. Pure.

Which case a change means is not decided here but in ``ledger/cases/upsert.py``;
answers are written in ``answers.py``. The rules are those of
``rules/case-api-v2.md`` 4.2 and 5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from api.wire.json_bytes import in_utf8
from api.wire.problems import InvalidPayload, RowProblem
from ledger.cases.change import CaseChange, IndexRef, Intent
from ledger.cases.upsert import missing_fields
from ledger.errors import Conflict
from ledger.forms.names import MAX_TEXT_BYTES, is_legal, is_name, is_too_long, printable

MAX_ROWS = 100
MAX_FETCH = 5000

_MAX_TYPE = 255
_MAX_PLACE = 300
_BLANKS = " \t\r\n"
_RELATIONSHIPS = (None, "child", "extension")
_TOP_LEVEL = frozenset(
    {"case_type", "case_name", "owner_id", "external_id", "date_opened"}
)
_SET_BY_THE_SERVER = "date_opened"
_COMMON = frozenset(
    {"case_type", "case_name", "owner_id", "external_id"}
    | {"properties", "indices", "close", "user_id"}
)
_FIELDS = {
    Intent.CREATE: _COMMON | {"temporary_id"},
    Intent.UPDATE: _COMMON | {"case_id"},
    Intent.UPSERT: _COMMON | {"case_id", "temporary_id"},
    Intent.PUT: _COMMON | {"case_id"},
    Intent.PUT_EXTERNAL: _COMMON | {"case_id"},
}
_ROW_FIELDS = {intent: fields | {"create"} for intent, fields in _FIELDS.items()}
_ROW_INTENTS = {True: Intent.CREATE, False: Intent.UPDATE, None: Intent.UPSERT}

_SUSPICIOUS = re.compile(rb"\\(?:[bf]|u(?:00[01]|[fF]{3}))|\xef\xbf[\xbe\xbf]")
"""A body without these bytes holds no character that XML cannot carry.

Bare control characters and lone surrogates are no JSON to begin with.
"""

_Object = dict[str, object]
_Check = Callable[[_Object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRequest:
    """The changes that one body asks for; a bulk is answered with a list of cases."""

    changes: tuple[CaseChange, ...]
    is_bulk: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkFetch:
    """The cases that a bulk fetch asks for, in its order, repeats included."""

    case_ids: tuple[str, ...] = ()
    external_ids: tuple[str, ...] = ()


def parse_write(body: bytes, *, single: Intent, limit: int = MAX_ROWS) -> WriteRequest:
    """Return what ``POST /`` or ``PUT /`` asks for: an array is a bulk.

    ``single`` is what an object means: ``Intent.CREATE`` or ``Intent.PUT``. Raises
    ``InvalidPayload`` with the texts of ``rules/case-api-v2.md`` 5.1 to 5.5.
    """
    payload, check = _decode(body)
    if isinstance(payload, list):
        return WriteRequest(changes=_bulk(payload, check, limit=limit), is_bulk=True)
    if not isinstance(payload, dict):
        raise InvalidPayload("Payload must be a JSON object or a list of objects")
    return _single(payload, check, intent=single)


def parse_single_update(body: bytes, *, case_id: str) -> WriteRequest:
    """Return the change that ``PUT /<case_id>/`` asks for.

    Raises ``InvalidPayload``, also when the body names another case
    (``rules/case-api-v2.md`` 5.2).
    """
    return _single(*_decode(body), intent=Intent.UPDATE, url_id=("case_id", case_id))


def parse_put_external(body: bytes, *, external_id: str) -> WriteRequest:
    """Return the change that ``PUT /ext/<external_id>/`` asks for.

    Raises ``InvalidPayload`` (``rules/case-api-v2.md`` 5.2).
    """
    url_id = ("external_id", external_id)
    return _single(*_decode(body), intent=Intent.PUT_EXTERNAL, url_id=url_id)


def parse_bulk_fetch(body: bytes, *, limit: int = MAX_FETCH) -> BulkFetch:
    """Return the ids that a bulk fetch asks for, under either spelling (rule D3).

    Raises ``InvalidPayload`` with the texts of ``rules/case-api-v2.md`` 4.2.
    """
    payload, check = _decode(body)
    if not isinstance(payload, dict):
        raise InvalidPayload("Payload must be a single JSON object")
    found = BulkFetch(
        case_ids=_ids(payload, "case_ids", "case_id"),
        external_ids=_ids(payload, "external_ids", "external_id"),
    )
    if not found.case_ids and not found.external_ids:
        text = "Payload must include 'case_ids' or 'external_ids' fields"
        raise InvalidPayload(text)
    if len(found.case_ids) + len(found.external_ids) > limit:
        text = f"You cannot request more than {limit} cases per request."
        raise InvalidPayload(text)
    try:
        check(payload)
    except Conflict as problem:
        raise InvalidPayload(problem.text) from None
    return found


def _decode(body: bytes) -> tuple[object, _Check]:
    try:
        body = in_utf8(body)
        payload = orjson.loads(body)
    except ValueError:
        raise InvalidPayload("Payload must be valid JSON") from None
    # Most bodies cannot hold what XML refuses, and searching the bytes for a reason to
    # look closer costs far less than a look at every text.
    suspicious = _SUSPICIOUS.search(body) is not None or len(body) > MAX_TEXT_BYTES
    return payload, _require_sound if suspicious else _trust


def _trust(_: _Object) -> None:
    """Take an object of a body that cannot hold anything unsound."""


def _require_sound(data: _Object) -> None:
    """Refuse text that XML cannot carry, however deep, naming the place (rule 5.7)."""
    waiting: list[tuple[str, object]] = [("", data)]
    while waiting:
        place, value = waiting.pop()
        if isinstance(value, str):
            _require_text(place, value)
        elif isinstance(value, dict):
            for name in value:
                _require_text(_inside(place, name), name)
            waiting += [(_inside(place, name), inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(place, inner) for inner in value]


def _inside(place: str, name: str) -> str:
    # Place names are for people. They end at the third level and every level is cut,
    # or a hostile body would make them grow without bound.
    if not place:
        return name[:_MAX_PLACE]
    return place if place.count(".") > 1 else f"{place}.{name[:_MAX_PLACE]}"


def _require_text(place: str, text: str) -> None:
    if not is_legal(text):
        problem = "contains a character that XML cannot carry"
    elif is_too_long(text):
        problem = f"is longer than {MAX_TEXT_BYTES} bytes"
    else:
        return
    field = printable(place)
    raise Conflict(f"'{field}' {problem}", field=field)


def _single(
    payload: object,
    check: _Check,
    *,
    intent: Intent,
    url_id: tuple[str, str] | None = None,
) -> WriteRequest:
    if not isinstance(payload, dict):
        raise InvalidPayload("Payload must be a single JSON object")
    try:
        change = _change(payload, check, intent=intent, known=_FIELDS[intent])
        if url_id is not None:
            _require_text(*url_id)
            change = _addressed(change, url_id[1])
        _require_complete(change)
    except Conflict as problem:
        found = _row_problem(1, problem)
        raise InvalidPayload(found.message, (found,)) from None
    return WriteRequest(changes=(change,), is_bulk=False)


def _bulk(
    rows: Sequence[object], check: _Check, *, limit: int
) -> tuple[CaseChange, ...]:
    if len(rows) > limit:
        text = f"You cannot submit more than {limit} updates in a single request"
        raise InvalidPayload(text)
    changes: list[CaseChange] = []
    problems: list[RowProblem] = []
    temporary_ids: set[str] = set()
    for number, data in enumerate(rows, 1):
        try:
            change = _row(data, check, number=number)
            _claim(change.temporary_id, temporary_ids)
            changes.append(change)
        except Conflict as problem:
            problems.append(_row_problem(number, problem))
    if problems:
        texts = (
            f"Error in row {problem.row}: {problem.message}" for problem in problems
        )
        raise InvalidPayload("; ".join(texts), tuple(problems))
    return tuple(changes)


def _row_problem(number: int, problem: Conflict) -> RowProblem:
    return RowProblem(row=number, field=problem.field, message=problem.text)


def _claim(temporary_id: str | None, taken: set[str]) -> None:
    if temporary_id is None:
        return
    if temporary_id in taken:
        text = f"temporary_id '{printable(temporary_id)}' is used more than once"
        raise Conflict(text, field="temporary_id")
    taken.add(temporary_id)


def _row(data: object, check: _Check, *, number: int) -> CaseChange:
    if not isinstance(data, dict):
        text = f"Each update must be a JSON object, received '{_shown(data)}'"
        raise Conflict(text)
    intent = _row_intent(data)
    known = _ROW_FIELDS[intent]
    change = _change(data, check, intent=intent, known=known, row=number)
    _require_complete(change)
    return change


def _row_intent(data: _Object) -> Intent:
    """Return what a row asks for (rule D4)."""
    if "create" not in data:
        if data.get("external_id") and not data.get("case_id"):
            return Intent.UPSERT
        text = "A 'create' flag is required for each update."
        raise Conflict(text, field="create")
    create = data["create"]
    if create is not None and not isinstance(create, bool):
        text = f"'create' must be true, false or null, received '{_shown(create)}'"
        raise Conflict(text, field="create")
    return _ROW_INTENTS[create]


def _change(
    data: _Object,
    check: _Check,
    *,
    intent: Intent,
    known: frozenset[str],
    row: int = 1,
) -> CaseChange:
    check(data)
    if intent is Intent.CREATE and "case_id" in data:
        text = "You cannot specify case_id when creating a new case"
        raise Conflict(text, field="case_id")
    _require_known(data, known)
    return CaseChange(
        intent,
        row,
        None,
        _text(data, "case_id") or None,
        _text(data, "external_id"),
        _text(data, "temporary_id") or None,
        _text(data, "case_type"),
        _text(data, "case_name"),
        _text(data, "owner_id"),
        _properties(data),
        _indices(data),
        _close(data),
    )


def _addressed(change: CaseChange, url_id: str) -> CaseChange:
    """Return the change with the id of the URL (``rules/case-api-v2.md`` 5.2)."""
    if change.intent is Intent.PUT_EXTERNAL:
        return change._replace(selector=url_id)
    if change.case_id not in {None, url_id}:
        text = (
            'The given value of "case_id" does not match the case_id of the URL. '
            '"case_id" is read-only and cannot be modified.'
        )
        raise Conflict(text, field="case_id")
    return change._replace(case_id=url_id)


def _require_known(data: _Object, known: frozenset[str]) -> None:
    if data.keys() <= known:
        return
    name = printable(next(name for name in data if name not in known))
    raise Conflict(f"'{name}' is not a valid field.", field=name)


def _require_complete(change: CaseChange) -> None:
    """Refuse a change that lacks what its intent needs (rule 5.1)."""
    if change.intent is Intent.CREATE:
        _require_fields(change)
    elif change.intent is Intent.UPSERT:
        _require_upsert(change)
    elif not (change.case_id or change.external_id or change.selector):
        text = "Case updates must provide either a case_id or external_id"
        raise Conflict(text, field="case_id")


def _require_fields(change: CaseChange) -> None:
    missing = missing_fields(change)
    if missing:
        raise Conflict(f"Property {missing[0]} is required.", field=missing[0])


def _require_upsert(change: CaseChange) -> None:
    if change.case_id is not None:
        raise Conflict("UPSERT does not allow case_id", field="case_id")
    if not change.external_id:
        raise Conflict("UPSERT requires external_id", field="external_id")


def _text(data: _Object, name: str, *, within: str = "") -> str | None:
    value = data.get(name)
    if value is None or isinstance(value, str):
        return value
    field = within + name
    text = f"'{field}' must be a string, received '{_shown(value)}'"
    raise Conflict(text, field=field)


def _members(data: _Object, name: str) -> _Object:
    value = data.get(name)
    if value is None:
        return {}
    if isinstance(value, dict):
        return value
    text = f"'{name}' must be an object, received '{_shown(value)}'"
    raise Conflict(text, field=name)


def _close(data: _Object) -> bool:
    value = data.get("close")
    if value is None or isinstance(value, bool):
        return bool(value)
    text = f"'close' must be true, false or null, received '{_shown(value)}'"
    raise Conflict(text, field="close")


def _properties(data: _Object) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in _members(data, "properties").items():
        if not isinstance(value, str) or name in _TOP_LEVEL or not is_name(name):
            raise _property_problem(name, value)
        found[name] = value
    return found


def _property_problem(name: str, value: object) -> Conflict:
    shown = printable(name)
    if not is_name(name):
        why = "Case property names must be valid XML identifiers."
    elif name == _SET_BY_THE_SERVER:
        why = "It cannot be set by this API."
    elif name in _TOP_LEVEL:
        why = "This must be specified at the top level."
    else:
        why = f"Values must be strings, received '{_shown(value)}'"
    text = f"Error with case property '{shown}'. {why}"
    return Conflict(text, field=f"properties.{shown}")


def _indices(data: _Object) -> dict[str, IndexRef]:
    members = _members(data, "indices")
    return {name: _index(name, value) for name, value in members.items()}


def _index(name: str, value: object) -> IndexRef:
    """Return the wish for one index (``rules/case-api-v2.md`` 5.5)."""
    shown = printable(name)
    if not is_name(name):
        text = f"Error with index '{shown}'. Index names must be valid XML identifiers."
        raise Conflict(text, field=f"indices.{shown}")
    if not isinstance(value, dict):
        text = f"Error with index '{shown}'. It must be an object."
        raise Conflict(text, field=f"indices.{shown}")
    within = f"indices.{name}."
    wish = IndexRef(
        case_id=_text(value, "case_id", within=within) or None,
        external_id=_text(value, "external_id", within=within) or None,
        temporary_id=_text(value, "temporary_id", within=within) or None,
        case_type=_text(value, "case_type", within=within),
        relationship=_text(value, "relationship", within=within) or None,
    )
    _require_index(wish, within=within)
    return wish


def _require_index(wish: IndexRef, *, within: str) -> None:
    ids = [id_ for id_ in (wish.case_id, wish.external_id, wish.temporary_id) if id_]
    if len(ids) > 1:
        text = (
            "Indices must specify case_id, external_id, or temporary ID, and only one"
        )
        raise Conflict(text, field=within[:-1])
    if wish.case_id and not wish.case_id.strip(_BLANKS):
        # Blanks alone are layout to the reader of the form, and so a removal.
        text = f"'{within}case_id' must not be blank"
        raise Conflict(text, field=f"{within}case_id")
    required = {"case_type": wish.case_type, "relationship": wish.relationship}
    for name, value in required.items():
        if ids and not value:
            text = f"Property {name} is required when creating or updating case indices"
            raise Conflict(text, field=within + name)
    if wish.relationship not in _RELATIONSHIPS:
        given = printable(wish.relationship or "")
        text = f"'{given}' not in choices: ['child', 'extension']"
        raise Conflict(text, field=f"{within}relationship")
    if len(wish.case_type or "") > _MAX_TYPE:
        text = f"'{within}case_type' is longer than {_MAX_TYPE} characters"
        raise Conflict(text, field=f"{within}case_type")


def _ids(data: _Object, *spellings: str) -> tuple[str, ...]:
    """Return the ids under the first spelling that is there (rule D3)."""
    for name in spellings:
        ids = data.get(name)
        if ids is None:
            continue
        if isinstance(ids, list) and all(isinstance(id_, str) for id_ in ids):
            return tuple(ids)
        raise InvalidPayload(f"'{name}' must be a list of strings")
    return ()


def _shown(value: object) -> str:
    """Return a value as Python prints it."""
    try:
        return printable(str(value))
    except RecursionError:
        return "a value nested too deeply"
