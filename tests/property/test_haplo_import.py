"""Any records import, each ends once, and a dry run tells the truth."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.haplo.rules.lookup import is_possible
from ledger.ids import new_id
from ledger.jobs.values import JobState
from tests.kit import build
from tests.kit.haplo.batches import (
    NEW,
    a_control,
    constant,
    field,
    log_of,
    outcomes,
    ran,
    rows,
    upsert,
)

KEYS = ("id", "name", "n", "when", "of", "tag", "all", "close", "owner")
TEXTS = st.sampled_from(
    ["a", "b", "c", "Ann", "yes", "2020-01-02", "7", "x@y", " ", "amina", "\0", "é"]
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXTS,
    st.text(max_size=4),
    st.just("x" * 300),
    st.just("\ud800"),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3)
    ),
    max_leaves=4,
)
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": TEXTS, "name": TEXTS},
        optional={key: VALUES for key in KEYS if key not in {"id", "name"}},
    )
    | VALUES,
    max_size=8,
)

MAPPING = {
    "t": {"using": "title", "types": ["patient"], "values": {"a": "Ann", "b": "b"}},
    "c": {"using": "behaviour", "values": {"a": "a", "b": "zz"}},
}
COMMON = [
    {"source": "name", "destination": "object", "name": "case_name"},
    field("n", type="integer"),
    field("when", dateFormat="yyyy-MM-dd"),
    field("tag", "tags", multivalue=True),
    field("owner", "owner_id"),
]
CONTROLS = st.sampled_from(
    [
        a_control(*upsert(), *COMMON, field("close", "close")),
        a_control(
            *upsert(),
            *COMMON,
            field("of", "index:parent", filters=["ledger:external-id-to-ref"]),
            field("of", "index:code", filters=["haplo:code-to-ref"]),
            field("tag", "index:t", refMapping="t"),
            field("tag", "index:c", refMapping="c"),
            constant("q", "bad", type="integer"),
            mapping=MAPPING,
        ),
        a_control(NEW, *COMMON, field("id", "external_id"), field("all", type="json")),
        a_control(
            {
                "action": "for-each",
                "source": "all",
                "wrapValues": True,
                "instructions": [
                    {
                        "action": "within",
                        "source": "value",
                        "instructions": [*upsert("name"), *COMMON],
                    }
                ],
            },
            {"action": "if-exists", "source": "tag", "then": [*upsert(), COMMON[0]]},
        ),
        a_control(
            *upsert("id", "house"),
            {"source": "name", "destination": "house", "name": "case_name"},
            {"source": "tag", "destination": "head", "name": "case_name"},
            {"source": "close", "destination": "head", "name": "close"},
            {"source": "n", "destination": "head", "name": "n"},
            model="ledger:cases",
            destinations={
                "house": {"caseType": "house"},
                "head": {"caseType": "head", "depends": "house", "optional": True},
            },
        ),
    ]
)


@asynccontextmanager
async def fresh_domain(store):
    """Work in a domain of its own."""
    old, build.DOMAIN = build.DOMAIN, f"d-{new_id()}"
    try:
        yield build.a_domain(store, build.DOMAIN)
    finally:
        build.DOMAIN = old


def told(store, job):
    """Return what a batch says of itself, without what a dry run cannot know."""
    found = rows(store, job)
    return outcomes(found), [row.messages for row in found], log_of(store, job)


def names_a_case(value):
    """Tell whether a value can be the external id that a record is found by."""
    return isinstance(value, str) and is_possible(value)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(control=CONTROLS, records=RECORDS)
async def test_every_record_ends_once_and_a_dry_run_predicts_it(
    store, control, records
):
    """Outcomes, messages, the log and the count of errors are those of the run."""
    files = [("people", json.dumps(records).encode())]
    async with fresh_domain(store):
        dry = await ran(store, control, files, dry_run=True)
        real = await ran(store, control, files)
        assert (dry.state, real.state) == (JobState.DONE, JobState.DONE), real.problem
        assert told(store, dry) == told(store, real)
    assert dry.progress["errors"] == real.progress["errors"]
    result = dict(real.result)
    assert {**dry.result, "dry_run": result.pop("dry_run")} == real.result
    assert sum(result.values()) == len(records) == real.progress["total"]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=RECORDS)
async def test_the_same_records_change_nothing_the_second_time(store, records):
    """An upsert, where each id stands once."""
    objects = [r for r in records if isinstance(r, dict)]
    once = {r["id"]: r for r in objects if names_a_case(r.get("id"))}
    files = [("people", json.dumps(list(once.values())).encode())]
    control = a_control(*upsert(), *COMMON, field("close", "close"))
    async with fresh_domain(store):
        first = await ran(store, control, files)
        before = build.derived(store, build.DOMAIN)
        second = await ran(store, control, files)
        assert build.derived(store, build.DOMAIN) == before
    assert second.result["applied"] == 0
    assert second.result["aborted"] == first.result["aborted"]
