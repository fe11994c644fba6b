"""Laws of Case Data API v2 writes and answers (``rules/case-api-v2.md`` 3 and 5)."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from functools import partial

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from api.cases.answers import render_case
from api.cases.fields import FieldFilter
from api.cases.wire import (
    parse_bulk_fetch,
    parse_put_external,
    parse_single_update,
    parse_write,
)
from api.wire.problems import InvalidPayload
from ledger.cases.case import Case, CaseIndex, FoldKey
from ledger.cases.change import CaseChange, IndexRef, Intent
from ledger.cases.upsert import Resolution, resolve, wanted
from ledger.errors import Conflict
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import CASE_API_XMLNS, Form
from projections.rule.case_row import seen, to_case, to_row
from projections.rule.fold import Stamp, apply_form, blocks_by_case
from tests.kit.resolving import CasesFound

parse_single_create = partial(parse_write, single=Intent.CREATE)
parse_put = partial(parse_write, single=Intent.PUT)
parse_bulk = partial(parse_write, single=Intent.CREATE)


NOW = "2024-03-05T07:14:00.000000Z"
FIELDS = (
    *("case_id", "case_type", "case_name", "owner_id", "external_id"),
    *("temporary_id", "properties", "indices", "close", "create", "user_id"),
)
PARSERS = (
    parse_single_create,
    lambda raw: parse_single_update(raw, case_id="c"),
    parse_put,
    lambda raw: parse_put_external(raw, external_id="x"),
    parse_bulk,
    parse_bulk_fetch,
    lambda raw: parse_write(raw, single=Intent.CREATE),
    lambda raw: parse_write(raw, single=Intent.PUT),
)

any_text = st.text(st.characters(exclude_categories=[]))
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | any_text,
    lambda inner: st.lists(inner) | st.dictionaries(any_text, inner),
    max_leaves=8,
)
rows = st.dictionaries(st.sampled_from(FIELDS) | any_text, values)
objects = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.none() | any_text for name in FIELDS[:6]},
        "properties": st.dictionaries(any_text, any_text),
        "indices": st.dictionaries(any_text, rows),
        "create": st.none() | st.booleans(),
    },
)


def attempt(parse, raw):
    """Parse; whatever is refused must be something that an answer can say."""
    try:
        parse(raw)
    except InvalidPayload as problem:
        problem.text.encode()
        orjson.dumps([[error.field, error.message] for error in problem.errors])


@given(st.binary())
def test_arbitrary_bytes_are_read_or_refused(raw):
    """Rule 5.7: never anything but an answer below 500."""
    for parse in PARSERS:
        attempt(parse, raw)


@given(values | rows | objects | st.lists(rows | objects, max_size=3))
@example({"properties": {"a": [[[["\x00"]]]]}})
def test_arbitrary_json_is_read_or_refused(value):
    """Rule 5.7: never anything but an answer below 500."""
    for ensure_ascii in (True, False):
        text = json.dumps(value, ensure_ascii=ensure_ascii)
        for parse in PARSERS:
            attempt(parse, text.encode("utf-8", "surrogatepass"))


@given(st.lists(st.tuples(any_text, any_text)))
def test_arbitrary_parameters_are_read_or_refused(pairs):
    """Rules 5.7 and 7: a query string filters fields or is refused."""
    named = [(f"fields.{name}", value) for name, value in pairs]
    for some in (pairs, named):
        try:
            found = FieldFilter.parse(some)
        except Conflict:
            continue
        if found is not None:
            assert found.apply({"case_id": "c", "properties": {"a": "1"}}).keys() <= {
                "case_id",
                "properties",
            }


# What resolved changes do to the cases


few = st.sampled_from(["x", "y", "z"])
some = st.none() | st.sampled_from(["1", "2"])


def built(made, **fields):
    """Build of these fields alone; ``st.builds`` would draw all of a named tuple."""
    return st.fixed_dictionaries(fields).map(lambda said: made(**said))


refs = st.just(IndexRef()) | built(
    IndexRef,
    case_id=st.sampled_from(["p1", "p2"]),
    case_type=st.just("t"),
    relationship=st.just("extension"),
)
said = {
    "properties": st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")),
    "indices": st.dictionaries(st.sampled_from(["p", "q"]), refs),
    "close": st.booleans(),
}
whole = {name: st.sampled_from("12") for name in FIELDS[1:4]}
part = dict.fromkeys(FIELDS[1:4], some)


def changes_of(intent, **fields):
    return built(CaseChange, intent=st.just(intent), **said, **fields)


upserts = changes_of(Intent.UPSERT, external_id=few, **whole)
creates = changes_of(Intent.CREATE, external_id=st.none() | few, **whole)
updates = changes_of(
    Intent.UPDATE,
    case_id=st.sampled_from(["c1", "c2"]),
    external_id=st.none() | st.just("") | few,
    **part,
)
updates_by_external = changes_of(Intent.UPDATE, external_id=few, **part)
requests = st.lists(upserts | creates | updates | updates_by_external, max_size=8)
domains = st.fixed_dictionaries({"c1": st.none() | few, "c2": st.none() | few}).map(
    lambda held: [a_case(case_id, external_id) for case_id, external_id in held.items()]
)


def a_case(case_id, external_id):
    return Case(
        domain="d",
        case_id=case_id,
        external_id=external_id,
        owner_id="o",
        properties={"a": "0"},
        indices={"q": CaseIndex(case_id="p0", case_type="t", relationship="child")},
    )


def resolved(changes, cases):
    numbers = itertools.count()
    try:
        return resolve(
            changes,
            CasesFound.of(cases),
            new_id=lambda: f"new{next(numbers)}",
            now=NOW,
            user_id="u",
        )
    except Conflict:
        return None


def folded(found: Resolution, cases):
    before = {case.case_id: case for case in cases}
    form = Form(form_id="f", xmlns=CASE_API_XMLNS, blocks=found.blocks)
    key = FoldKey(received_on=1, position=1)
    stamp = Stamp(
        domain="d", form_id="f", position=1, appended_on=1, received_on=NOW, key=key
    )
    after = dict(before)
    for case_id, blocks in blocks_by_case(form).items():
        after[case_id], _ = apply_form(before.get(case_id), blocks, form, stamp)
    return after


def expected(changes, case_ids, cases):
    """Apply the rows one by one to plain dictionaries."""
    state = {case.case_id: as_told(case) for case in cases}
    for change, case_id in zip(changes, case_ids, strict=True):
        blank = {"properties": {}, "indices": {}, "closed": False, "external_id": None}
        case = state.setdefault(case_id, blank)
        named = (*FIELDS[1:5],)
        given = {name: getattr(change, name) for name in named}
        case |= {name: value for name, value in given.items() if value is not None}
        case["properties"] |= change.properties
        case["indices"] |= {name: ref.case_id for name, ref in change.indices.items()}
        case["closed"] |= change.close
    for case in state.values():
        case["indices"] = {name: id_ for name, id_ in case["indices"].items() if id_}
    return state


def as_told(case):
    told = {name: getattr(case, name) for name in (*FIELDS[1:5], "closed")}
    told["properties"] = dict(case.properties)
    told["indices"] = {name: i.case_id for name, i in case.live_indices.items()}
    return told


@given(st.lists(upserts, max_size=8), domains)
def test_upserts_never_make_two_cases(changes, cases):
    """Rule 5.3.7: rows of one external_id end in one case."""
    found = resolved(changes, cases)
    if found is not None:
        meant = {
            (change.external_id, case_id)
            for change, case_id in zip(changes, found.case_ids, strict=True)
        }
        assert max(Counter(external for external, _ in meant).values(), default=1) == 1
        held = {case.external_id for case in cases}
        for change, created in zip(changes, found.created, strict=True):
            assert not (created and change.external_id in held)


@given(requests, domains)
def test_an_upsert_never_doubles_an_external_id(changes, cases):
    """Rule 5.3: only creates and renames, which are explicit, make an id ambiguous."""
    found = resolved(changes, cases)
    if found is None:
        return
    explicit = Counter(c.external_id for c in changes if c.intent is Intent.CREATE)
    explicit.update(c.external_id for c in changes if c.case_id and c.external_id)
    explicit.update(case.external_id for case in cases)
    held = Counter(case.external_id for case in folded(found, cases).values())
    for external_id in ("x", "y", "z"):
        assert held[external_id] <= max(explicit[external_id], 1)


def indexed(target, **fields):
    ref = IndexRef(case_id=target, case_type="t", relationship="child")
    return CaseChange(intent=Intent.UPDATE, case_id="c1", indices={"p": ref}, **fields)


@given(requests, domains)
@example([indexed("p1"), indexed("p2", properties={"a": "1"})], [a_case("c1", None)])
def test_rows_apply_in_order(changes, cases):
    """Rule 5.3.5: the fold of the form is what the rows say one after the other."""
    found = resolved(changes, cases)
    if found is None:
        return
    after = {case_id: as_told(case) for case_id, case in folded(found, cases).items()}
    assert after == expected(changes, found.case_ids, cases)


@given(requests, domains)
def test_every_row_has_one_block_and_every_new_case_one_create(changes, cases):
    """Rule 8.3: one block per row, in row order; create only when creating."""
    found = resolved(changes, cases)
    if found is None:
        return
    assert tuple(block.case_id for block in found.blocks) == found.case_ids
    new = [i for i, made in zip(found.case_ids, found.created, strict=True) if made]
    creating = [block.case_id for block in found.blocks if block.create is not None]
    assert sorted(new) == sorted(creating)
    seen: set[str] = set()
    for block in found.blocks:
        assert_first_creates(block, seen, new)
        seen.add(block.case_id)


def assert_first_creates(block: CaseBlock, seen: set[str], new: list[str]) -> None:
    first = block.case_id not in seen and block.case_id in new
    assert (block.create is not None) is first


@given(requests, domains)
def test_only_wanted_ids_are_looked_up(changes, cases):
    """Rule 5.3: what is not wanted is not asked for under the lock."""
    asked = wanted(changes)

    class Watching(CasesFound):
        def case(self, case_id):
            assert case_id in asked.case_ids
            return super().case(case_id)

        def by_external(self, external_id):
            assert external_id in asked.external_ids
            return super().by_external(external_id)

    numbers = itertools.count()
    lookup = Watching.of(cases)
    try:
        resolve(
            changes,
            lookup,
            new_id=lambda: f"new{next(numbers)}",
            now=NOW,
            user_id="u",
        )
    except Conflict as problem:
        assert problem.row == 1  # noqa: PT017 - every change here is its own row 1


rows_of_cases = built(
    Case,
    domain=texts,
    case_id=texts,
    case_type=texts,
    case_name=texts,
    external_id=st.none() | texts,
    owner_id=texts,
    opened_on=st.just(NOW),
    modified_on=st.just(NOW),
    server_modified_on=st.just(NOW),
    closed=st.booleans(),
    closed_on=st.none() | st.just(NOW),
    properties=st.dictionaries(texts, texts),
    indices=st.dictionaries(
        texts,
        st.builds(CaseIndex, case_id=texts, case_type=texts, relationship=texts),
    ),
    indexed_on=st.integers(min_value=0, max_value=4_000_000_000_000_000),
).map(to_row)


@given(rows_of_cases)
def test_a_rendered_case_parses_back(row):
    """Rule 3.1: exactly the 14 keys, with equal values, whatever the texts."""
    written = render_case(seen(row))
    for found in (json.loads(written), orjson.loads(written)):
        case = to_case(row)
        assert len(found) == 14
        assert found.pop("indexed_on").endswith("Z")
        assert found == {
            "domain": row.domain,
            "case_id": row.case_id,
            "case_type": row.case_type,
            "case_name": row.case_name,
            "external_id": row.external_id,
            "owner_id": row.owner_id,
            "date_opened": NOW,
            "last_modified": NOW,
            "server_last_modified": NOW,
            "closed": case.closed,
            "date_closed": row.closed_on,
            "properties": dict(case.properties),
            "indices": {
                name: {
                    "case_id": index.case_id,
                    "case_type": index.case_type,
                    "relationship": index.relationship,
                }
                for name, index in case.live_indices.items()
            },
        }
