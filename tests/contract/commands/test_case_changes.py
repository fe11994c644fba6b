"""JSON changes through the one door: resolved, built, parsed back, folded."""

from __future__ import annotations

import orjson
import pytest

from ledger import log
from ledger.cases.change import IndexRef, Intent
from ledger.entry import Answer, IdempotencyKey, Kind
from ledger.errors import Conflict
from ledger.forms.form import CASE_API_XMLNS
from projections.rebuild.verify import verify
from projections.rule.case_row import CaseRow, seen
from tests.kit import build


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def key(name="k", request=b"1" * 32, user_id="u-amina"):
    return IdempotencyKey(key=name, user_id=user_id, request_sha256=request)


def change(store, *rows, **options):
    """Run changes alone; return the answer and the receipt that was rendered."""
    receipts = []
    command = build.changes(*rows, seen=receipts.append, **options)
    (outcome,) = build.write(store, command)
    return outcome, (receipts[0] if receipts else None)


def test_a_created_case_is_answered_as_it_stands(store):
    """rules/case-api-v2.md 3.3: the answer holds what was written, and it is there."""
    _, receipt = change(store, build.a_change(Intent.CREATE, properties={"p": "1"}))
    (row,) = receipt.cases
    assert receipt.created == (True,)
    assert orjson.loads(row.properties) == {"p": "1"}
    (written,) = build.dump(store)["cases"]
    assert seen(CaseRow._make(written)) == row


def test_one_request_is_one_form_of_the_case_api(store):
    """rules/case-api-v2.md 8.1: also in bulk, and its bytes are the only source."""
    rows = [build.a_change(external_id=f"x{n}", row=n) for n in range(1, 4)]
    _, receipt = change(store, *rows)
    with store.snapshot(build.DOMAIN) as reader:
        ((entry, body),) = log.entries_after(reader, 1, limit=9)
    assert (entry.xmlns, entry.form_id) == (CASE_API_XMLNS, receipt.form_id)
    assert body.count(b"<case ") == 3
    assert len(receipt.form_id) == 32


def test_an_upsert_finds_what_it_made(store):
    _, first = change(store, build.a_change(external_id="x", properties={"p": "1"}))
    _, second = change(store, build.a_change(external_id="x", properties={"q": "2"}))
    assert (first.created, second.created) == ((True,), (False,))
    (case,) = build.cases_of(store).values()
    assert case.properties == {"p": "1", "q": "2"}


def test_upserts_that_wait_together_make_one_case(store):
    """Neither in one request, nor in requests that are committed together."""
    row = build.a_change(external_id="x")
    build.write(store, build.changes(row, row), build.changes(row), build.changes(row))
    assert len(build.cases_of(store)) == 1
    assert verify(store, build.DOMAIN).ok


@pytest.mark.parametrize("closed", [False, True])
def test_an_index_may_name_a_case_by_its_id(store, closed):
    """rules/case-api-v2.md 5.5: any case of the domain, though no row is about it."""
    build.submit(store, build.a_form([build.a_create("p1", close=closed)]))
    wish = build.a_change(external_id="x", indices={"parent": build.an_index("p1")})
    answer, receipt = change(store, wish)
    assert answer.status == 200, answer.body
    found = orjson.loads(receipt.cases[0].indices)
    assert found["parent"]["case_id"] == "p1"


def test_an_index_to_nobody_is_an_error_form(store):
    """rules/case-xml.md 12.5: the form is kept, the cases are not."""
    wish = build.a_change(external_id="x", indices={"parent": build.an_index("gone")})
    answer, receipt = change(store, wish)
    assert (answer.status, receipt.kind) == (400, Kind.ERROR)
    assert receipt.problem.startswith("InvalidCaseIndex: ")
    assert build.cases_of(store) == {}
    assert [row[5] for row in build.dump(store)["forms"]] == ["error"]


def test_rows_may_point_at_each_other(store):
    """rules/case-api-v2.md 5.5: by temporary id and by external id, forwards too."""
    _, receipt = change(
        store,
        build.a_change(
            Intent.CREATE,
            row=1,
            temporary_id="t",
            indices={"host": IndexRef(external_id="later", case_type="patient")},
        ),
        build.a_change(
            external_id="later",
            row=2,
            indices={"parent": IndexRef(temporary_id="t", case_type="patient")},
        ),
    )
    first, second = receipt.cases
    assert orjson.loads(first.indices)["host"]["case_id"] == second.case_id
    assert orjson.loads(second.indices)["parent"]["case_id"] == first.case_id


def test_a_conflict_appends_nothing_and_spares_its_neighbours(store):
    before = build.dump(store)
    unknown = build.changes(build.a_change(Intent.UPDATE, case_id="gone"))
    (refused,) = build.write(store, unknown)
    assert isinstance(refused, Conflict)
    assert build.dump(store) == before
    row = build.a_change(external_id="x")
    found = build.write(store, build.changes(row), unknown, build.changes(row))
    assert [isinstance(outcome, Answer) for outcome in found] == [True, False, True]
    assert len(build.cases_of(store)) == 1


def test_a_dry_run_answers_and_changes_nothing(store):
    """rules/case-api-v2.md 10.2: as if it had happened, and then it has not."""
    build.submit(store, build.a_form([build.a_create("c1")]))
    before = build.dump(store)
    rows = (
        build.a_change(external_id="x"),
        build.a_change(Intent.UPDATE, case_id="c1", properties={"p": "1"}, row=2),
    )
    answer, receipt = change(store, *rows, dry_run=True)
    assert answer.status == 200
    assert orjson.loads(receipt.cases[1].properties) == {"p": "1"}
    assert build.dump(store) == before


def test_a_dry_run_is_not_seen_by_the_next_command_of_its_commit(store):
    row = build.a_change(external_id="x", properties={"p": "1"})
    seen = []
    build.write(
        store,
        build.changes(row, dry_run=True, seen=seen.append),
        build.changes(build.a_change(external_id="x"), seen=seen.append),
    )
    assert [receipt.created for receipt in seen] == [(True,), (True,)]
    (case,) = build.cases_of(store).values()
    assert case.properties == {}
    assert verify(store, build.DOMAIN).ok


def test_an_idempotency_key_gives_the_same_answer_again(store):
    """rules/case-api-v2.md 10.1: repeated, in the commit or later, it runs once."""
    row = build.a_change(Intent.CREATE)
    first, second = build.write(
        store, build.changes(row, key=key()), build.changes(row, key=key())
    )
    (third,) = build.write(store, build.changes(row, key=key()))
    assert first == second == third
    assert len(build.cases_of(store)) == 1


def test_an_idempotency_key_belongs_to_its_user_and_request(store):
    row = build.a_change(Intent.CREATE)
    build.write(store, build.changes(row, key=key()))
    (other,) = build.write(store, build.changes(row, key=key(user_id="u-omar")))
    assert isinstance(other, Answer)
    (reused,) = build.write(store, build.changes(row, key=key(request=b"2" * 32)))
    assert isinstance(reused, Conflict)
    assert reused.field == "Idempotency-Key"
    assert len(build.cases_of(store)) == 2


def test_a_conflict_is_not_kept_under_its_key(store):
    """What was refused may be tried again when its cause is gone."""
    row = build.a_change(Intent.UPDATE, external_id="x", case_name="B")
    (refused,) = build.write(store, build.changes(row, key=key()))
    assert isinstance(refused, Conflict)
    build.write(store, build.changes(build.a_change(external_id="x")))
    (answer,) = build.write(store, build.changes(row, key=key()))
    assert answer.status == 200


def test_no_changes_make_no_form(store):
    before = build.dump(store)
    answer, receipt = change(store)
    assert (answer.status, receipt.form_id, receipt.cases) == (200, None, ())
    assert build.dump(store) == before


def test_an_upsert_after_a_deletion_makes_a_new_case(store):
    """A deleted case is not found by its external id."""
    _, first = change(store, build.a_change(external_id="x"))
    build.write(store, build.a_flag(first.cases[0].case_id))
    _, second = change(store, build.a_change(external_id="x"))
    assert second.created == (True,)
    assert len(build.cases_of(store)) == 2


def test_a_flag_for_an_unknown_case_names_it(store):
    (refused,) = build.write(store, build.a_flag("gone"))
    assert isinstance(refused, Conflict)
    assert refused.text == "No case found with ID 'gone'"


def test_a_case_of_another_domain_cannot_be_updated(store):
    build.a_domain(store, "other")
    build.submit(store, build.a_form([build.a_create("theirs")]), domain="other")
    row = build.a_change(Intent.UPDATE, case_id="theirs", properties={"p": "1"})
    (refused,) = build.write(store, build.changes(row))
    assert isinstance(refused, Conflict)
    assert build.case_of(store, "theirs", "other").properties == {}
