"""Answers of Case Data API v2 (``rules/case-api-v2.md``): cases, envelopes. Pure.

Every read passes here, so a page is built from texts: ``properties`` and ``indices``
of a row are finished JSON and are put between the other keys as they stand. Only
``fields`` and ``exclude`` decode. No lone surrogate arrives: no database holds one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from json.encoder import encode_basestring, encode_basestring_ascii

import orjson

from api.cases.fields import FieldFilter
from api.cases.wire import BulkFetch
from ledger.times import format_micros
from projections.rule.case_row import SeenCase, wire_fields


def render_case(row: SeenCase) -> str:
    """Return the wire's object of a case, spliced (``rules/case-api-v2.md`` 3)."""
    (
        domain,
        case_id,
        indexed_on,
        case_type,
        case_name,
        external_id,
        owner_id,
        opened_on,
        modified_on,
        server_modified_on,
        closed,
        closed_on,
        _deleted_on,
        properties,
        indices,
    ) = row
    external_text = "null" if external_id is None else encode_basestring(external_id)
    closed_text = "null" if closed_on is None else f'"{closed_on}"'
    return (
        f'{{"domain":{encode_basestring(domain)}'
        f',"case_id":{encode_basestring(case_id)}'
        f',"case_type":{encode_basestring(case_type)}'
        f',"case_name":{encode_basestring(case_name)}'
        f',"external_id":{external_text}'
        f',"owner_id":{encode_basestring(owner_id)}'
        f',"date_opened":"{opened_on}"'
        f',"last_modified":"{modified_on}"'
        f',"server_last_modified":"{server_modified_on}"'
        f',"indexed_on":"{format_micros(indexed_on)}"'
        f',"closed":{"true" if closed else "false"}'
        f',"date_closed":{closed_text}'
        f',"properties":{properties}'
        f',"indices":{indices}}}'
    )


def renderer(chosen: FieldFilter | None) -> Callable[[SeenCase], str]:
    """Return what writes a case: the splice, or the keys that were asked for."""
    if chosen is None:
        return render_case
    return lambda row: orjson.dumps(chosen.apply(decode_case(row))).decode()


def decode_case(row: SeenCase) -> dict[str, object]:
    """Return the wire's object of a case as Python values, for ``fields``."""
    return {
        **wire_fields(row),
        "properties": orjson.loads(row.properties),
        "indices": orjson.loads(row.indices),
    }


def write_response(form_id: str, case: str) -> bytes:
    """Return the answer to a write of one case; the id under both names (rule D1)."""
    return f'{_form_ids(form_id)},"case":{case}}}'.encode()


def bulk_response(form_id: str | None, cases: Iterable[str]) -> bytes:
    """Return the answer to a bulk: one case per row, no form id if nothing was sent."""
    return f'{_form_ids(form_id)},"cases":[{",".join(cases)}]}}'.encode()


def list_response(
    total: int,
    cases: Iterable[str],
    *,
    next_url: str | None = None,
    deleted: Sequence[str] | None = None,
) -> bytes:
    """Return a page of a list; the last one has no ``next`` (rule D12).

    ``deleted`` are the ids of the page's deleted cases, for who asked to see them: a
    case object has no key that could say it (rule 0.1).
    """
    more = "" if next_url is None else f',"next":{encode_basestring_ascii(next_url)}'
    if deleted is not None:
        ids = ",".join(map(encode_basestring_ascii, deleted))
        more += f',"deleted":[{ids}]'
    listed = ",".join(cases)
    return f'{{"matching_records":{total},"cases":[{listed}]{more}}}'.encode()


def bulk_fetch_response(
    asked: BulkFetch,
    *,
    by_case_id: Mapping[str, str],
    by_external_id: Mapping[str, str],
) -> bytes:
    """Return the answer to a bulk fetch: cases and stubs as they were asked for.

    The mappings hold rendered cases; an id they lack becomes a stub
    (``rules/case-api-v2.md`` 4.2).
    """
    found = [by_case_id.get(case_id) for case_id in asked.case_ids]
    found += [by_external_id.get(external_id) for external_id in asked.external_ids]
    stubs = [("case_id", case_id) for case_id in asked.case_ids]
    stubs += [("external_id", external_id) for external_id in asked.external_ids]
    missing = found.count(None)
    listed = ",".join(
        _stub(*stub) if case is None else case
        for case, stub in zip(found, stubs, strict=True)
    )
    matching = len(found) - missing
    counts = f'"matching_records":{matching},"missing_records":{missing}'
    return f'{{"cases":[{listed}],{counts}}}'.encode()


def _form_ids(form_id: str | None) -> str:
    text = "null" if form_id is None else encode_basestring(form_id)
    return f'{{"form_id":{text},"xform_id":{text}'


def _stub(name: str, value: str) -> str:
    # The id may be anything that a path can hold, so it is written in ASCII.
    return f'{{"{name}":{encode_basestring_ascii(value)},"error":"not found"}}'
