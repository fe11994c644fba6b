"""What a command is said to do is what it does; the saying itself does nothing."""

from __future__ import annotations

import os
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.commands.what_if import WhatIf
from ledger.directory.domains import DomainSettings, save_settings
from ledger.entry import Author, Kind
from ledger.errors import LedgerError
from ledger.log import entries_after
from projections.rule.case_row import CaseRow, SeenCase, seen
from tests.kit import build, strategies, wishes

EXAMPLES = {"ci": 25, "dev": 60, "nightly": 500}[
    os.environ.get("CASELEDGER_TEST_PROFILE", "ci")
]
_DOMAINS = count(1)
_ACT = st.one_of(
    st.tuples(st.just("form"), strategies.forms()),
    st.tuples(st.just("form"), strategies.forms(form_id="f1")),
    st.tuples(st.just("form"), strategies.forms(form_id="f2")),
    st.tuples(st.just("changes"), st.lists(strategies.rows(), max_size=4)),
    st.tuples(st.just("archive"), st.sampled_from(strategies.FORMS[:2])),
    st.tuples(st.just("flag"), st.sampled_from(strategies.CASES)),
)


@settings(
    max_examples=EXAMPLES, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(acts=st.lists(_ACT, min_size=1, max_size=8), closes=st.booleans())
def test_a_trial_predicts_what_the_command_then_does(store, acts, closes):
    """Same verdict, problem, entries and states; ids that are made differ."""
    domain = f"d{next(_DOMAINS)}"
    build.a_domain(store, domain)
    if closes:
        close_extensions(store, domain)
    everything = [{**strategies.A_TOUCH, "case_id": c} for c in strategies.CASES]
    beginning = build.a_form([strategies.block_xml(b, domain) for b in everything])
    build.submit(store, beginning, domain=domain)
    for name, told in acts:
        compare(store, domain, command_of(name, told, domain))


def compare(store, domain: str, make: Any) -> None:
    """Try a command, then run it, and compare."""
    before = build.dump(store, domain)
    head = last(store, domain)
    seen: list[Any] = []
    [told] = build.write(store, WhatIf(make(seen.append)), domain=domain)
    assert build.dump(store, domain) == before
    assert last(store, domain) == head
    [done] = build.write(store, make(seen.append), domain=domain)
    if isinstance(told, LedgerError):
        assert (type(told), str(told)) == (type(done), str(done))
        return
    assert [e.kind for e in told.entries] == kinds_after(store, domain, head[0])
    ids = ids_made(told, done, seen)
    assert translated(receipt_of(told.outcome, seen[:1]), ids) == translated(
        receipt_of(done, seen[1:]), {}
    )
    after, old = rows_in(build.dump(store, domain)), rows_in(before)
    changed = {i: settled(row) for i, row in after.items() if row != old.get(i)}
    predicted = {case.after.case_id: settled(case.row) for case in told.cases}
    assert translated(predicted, ids) == translated(changed, {})
    for case in told.cases:
        assert case.row_before == old.get(case.after.case_id)


def command_of(name: str, told: Any, domain: str) -> Any:
    """Return what makes the command, and makes it again, from what was drawn."""

    def make(seen: Any) -> Any:
        if name == "form":
            files = [build.a_file(file) for file in told["files"]]
            body = strategies.body_of(told, domain)
            return build.a_submission(body, attachments=files)
        if name == "changes":
            rows = [wishes.change_of(r, domain, place=p) for p, r in enumerate(told, 1)]
            return build.changes(*rows, seen=seen)
        if name == "archive":
            return build.an_act(Kind.ARCHIVE, strategies.named(told, domain))
        return build.a_flag(strategies.named(told, domain))

    return make


def receipt_of(outcome: Any, seen: list[Any]) -> Any:
    """Return what a command answered, but for what differs each time."""
    found = seen[0] if seen else outcome
    if isinstance(found, tuple):
        return found
    cases = list(map(settled, found.cases))
    return (found.kind, found.form_id, found.problem, found.resubmitted, cases)


def settled(row: SeenCase) -> SeenCase:
    """Return a row without the time that the order of ids made on the way decides."""
    return row._replace(indexed_on=0)


def ids_made(told: Any, done: Any, seen: list[Any]) -> dict[str, str]:
    """Return which id that was made in the trial stands for which in the log."""
    first, second = seen or (told.outcome, done)
    if isinstance(first, tuple):
        return {}
    ids = {first.form_id or "-": second.form_id or "-"}
    pairs = zip(first.cases, second.cases, strict=True)
    return ids | {one.case_id: other.case_id for one, other in pairs}


def translated(value: Any, ids: dict[str, str]) -> Any:
    """Return a value as text, with the ids of the log; a mapping item by item."""
    if isinstance(value, dict):
        return {translated(k, ids): translated(v, ids) for k, v in value.items()}
    text = repr(value)
    for made, kept in ids.items():
        text = text.replace(made, kept)
    return text


def rows_in(dump: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of the cases of a dump by case id."""
    return {row[1]: seen(CaseRow._make(row)) for row in dump["cases"]}


def kinds_after(store, domain: str, position: int) -> list[str]:
    """Return the kinds of the entries behind a position."""
    with store.reading(domain) as reader:
        return [e.kind for e, _ in entries_after(reader, position, limit=100)]


def last(store, domain: str) -> tuple[int, bytes]:
    """Return position and digest of the head."""
    with store.reading(domain) as reader:
        return reader.head.position, reader.head.digest


def close_extensions(store, domain: str) -> None:
    """Have the domain close what extends a closed case."""
    with store.writing(domain) as writer:
        save_settings(
            writer,
            DomainSettings(close_extensions=True),
            author=Author(user_id="root"),
            now=build.NOW,
        )
