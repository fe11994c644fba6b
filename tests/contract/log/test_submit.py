"""The one door: what each submission becomes (rules/case-xml.md 12, 13 and 16)."""

from __future__ import annotations

import pytest

from ledger import log
from ledger.entry import Kind
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def state_of(store, form_id):
    """Return position, version, state and original of a form."""
    rows = {row[1]: (row[2], *row[4:7]) for row in build.dump(store)["forms"]}
    return rows.get(form_id)


def test_a_form_makes_its_cases_and_one_normal_entry(store):
    """Rule 13.1: nothing stood under the id."""
    receipt = build.submit(store, build.a_form([build.a_create()], form_id="f"))
    assert (receipt.kind, receipt.form_id, receipt.position) == (Kind.NORMAL, "f", 2)
    assert build.case_of(store).case_name == "Idris"
    assert state_of(store, "f") == (2, 2, "normal", None)


def test_a_form_without_id_gets_one(store):
    """Rule 3.2: a missing instanceID is made by the server."""
    receipt = build.submit(store, b'<a xmlns="urn:a"/>')
    assert receipt.kind is Kind.NORMAL
    assert len(receipt.form_id) == 36


def test_resubmission_changes_nothing(store):
    """Rule 13.3: the same bytes are kept as a duplicate, no case work."""
    body = build.a_form([build.a_create()], form_id="f")
    build.submit(store, body)
    before = build.dump(store)
    receipt = build.submit(store, body)
    after = build.dump(store)
    assert receipt.kind is Kind.DUPLICATE
    assert receipt.problem == "Form is a duplicate of another! (f)"
    assert state_of(store, receipt.form_id) == (3, 3, "duplicate", "f")
    for table in set(after) - {"entries", "bodies", "forms"}:
        assert after[table] == before[table], table


def test_a_character_in_halves_is_read_and_the_bytes_stay_as_they_came(store):
    """Rule 2.6: the entry notes it, and a replay reads the same."""
    body = build.a_form([build.an_update("c1", note="ok :)")], form_id="f")
    body = body.replace(b":)", b"&#55357;&#56832;&#55357;")
    receipt = build.submit(store, body)
    assert receipt.kind is Kind.NORMAL
    assert build.case_of(store).properties == {"note": "ok \U0001f600\ufffd"}
    (entry,) = (e for e in build.entries_of(store) if e.form_id == "f")
    assert entry.details["mended"] == {"joined": 1, "replaced": 1}
    with store.reading("demo") as reader:
        assert log.bodies_at(reader, [entry.position]) == {entry.position: body}
    before = build.derived(store)
    replay(store, "demo")
    assert build.derived(store) == before


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (Kind.ARCHIVE, "It was archived and does not count until somebody"),
        (Kind.FORM_DELETE, "It was deleted on 2024-03-05T09:00:00.00"),
    ],
)
def test_whoever_sends_a_withdrawn_form_again_is_told_so(store, kind, told):
    """Rule 13.3: it is a duplicate and nothing comes back by itself."""
    body = build.a_form([build.a_create()], form_id="f")
    build.submit(store, body)
    build.act(store, kind, "f")
    before = build.cases_of(store)
    receipt = build.submit(store, body)
    assert receipt.kind is Kind.DUPLICATE
    assert receipt.notice.startswith(told)
    assert receipt.problem == f"Form is a duplicate of another! (f) {receipt.notice}"
    assert build.cases_of(store) == before


def test_the_same_form_twice_in_one_commit_is_one_form_and_a_duplicate(store):
    """Two tries that arrive together are judged one after the other."""
    body = build.a_form([build.a_create()], form_id="f")
    found = build.write(store, build.a_submission(body), build.a_submission(body))
    assert [receipt.kind for receipt in found] == [Kind.NORMAL, Kind.DUPLICATE]


def test_other_files_do_not_make_another_form(store):
    """Rules 13.8 and 13.20: attachments take no part in the comparison."""
    body = build.a_form([build.a_create()], form_id="f")
    build.submit(store, body)
    receipt = build.submit(store, body, attachments=[build.a_file()])
    assert (receipt.kind, receipt.form_id) == (Kind.COMPLETE, "f")
    assert state_of(store, "f") == (3, 3, "normal", None)


def test_another_xmlns_under_the_same_id_is_another_form(store):
    """Rule 13.5: a new random id, processed as normal."""
    build.submit(store, build.a_form([build.a_create()], form_id="f"))
    body = build.a_form([build.a_create("c2")], form_id="f", xmlns="urn:other")
    receipt = build.submit(store, body)
    assert receipt.kind is Kind.NORMAL
    assert receipt.form_id != "f"
    assert "c2" in build.cases_of(store)


def test_an_edit_takes_the_place_of_the_earlier_version(store):
    """Rule 13.10: the old version goes on under a new id, as deprecated."""
    build.submit(store, build.a_form([build.a_create(update={"q": "0"})], form_id="f"))
    body = build.a_form([build.a_create(update={"p": "1"})], form_id="f")
    receipt = build.submit(store, body)
    assert (receipt.kind, receipt.form_id) == (Kind.EDIT, "f")
    assert build.case_of(store).properties == {"p": "1"}
    assert state_of(store, "f") == (3, 3, "normal", None)
    moved = [row for row in build.dump(store)["forms"] if row[5] == "deprecated"]
    assert [row[4:7] for row in moved] == [(2, "deprecated", "f")]


def test_an_error_form_is_replaced_by_its_corrected_version(store):
    """Rule 13.6: the error moves to a new id, the new version counts as first."""
    bad = build.a_form([build.a_block(index={"parent": "gone"})], form_id="f")
    build.submit(store, bad)
    good = build.a_form([build.a_create()], form_id="f")
    receipt = build.submit(store, good)
    assert (receipt.kind, receipt.form_id) == (Kind.NORMAL, "f")
    assert state_of(store, "f") == (3, 3, "normal", None)
    moved = [row for row in build.dump(store)["forms"] if row[5] == "error"]
    assert [row[2:7] for row in moved] == [(3, 2, 2, "error", "f")]


def test_an_error_form_whose_cause_is_gone_is_run_again(store):
    """Rule 13.4: reprocessed first, and only then a duplicate."""
    clock = build.FixedClock()
    body = build.a_form([build.a_block(index={"parent": "c2"})], form_id="f")
    first = build.submit(store, body, clock=clock)
    assert first.kind is Kind.ERROR
    build.submit(store, build.a_form([build.a_create("c2")]), clock=clock)
    clock.now += 60_000_000
    again = build.submit(store, body, clock=clock)
    assert again.kind is Kind.DUPLICATE
    assert build.case_of(store).indices["parent"].case_id == "c2"
    assert state_of(store, "f") == (4, 2, "normal", None)


def test_an_old_form_that_is_run_again_is_stamped_with_the_time_of_that(store):
    """Rules 8.8 and D-2: reprocessing counts as a rebuild.

    Otherwise whoever asks for what changed since yesterday never hears of it.
    """
    clock = build.FixedClock()
    body = build.a_form([build.a_block(index={"parent": "c2"})], form_id="f")
    build.submit(store, body, clock=clock)
    build.submit(store, build.a_form([build.a_create("c2")]), clock=clock)
    clock.now += 60_000_000
    build.submit(store, body, clock=clock)
    case = build.case_of(store)
    assert case.server_modified_on == "2024-03-05T09:01:00.000000Z"
    assert case.folded_to.position == 2


def test_an_error_form_that_fails_again_leaves_no_second_entry(store):
    """Rule 13.4: the answer is the error, the duplicate is not stored."""
    body = build.a_form([build.a_block(index={"parent": "gone"})], form_id="f")
    build.submit(store, body)
    before = build.dump(store)
    receipt = build.submit(store, body)
    assert (receipt.kind, receipt.resubmitted) == (Kind.ERROR, True)
    assert build.dump(store) == before


@pytest.mark.parametrize(
    "block",
    [
        build.a_block("c9", index={"parent": "gone"}),
        build.a_block("c9", update={"owner_id": "x" * 256}),
        build.a_block("c9", update={"date_opened": ""}),
        build.a_block("c9", attach={"photo": {"src": "gone.jpg"}}),
    ],
)
def test_rejected_form_leaves_no_trace(store, block):
    """But one error entry: no case of the form changes (rule 7.5)."""
    build.submit(store, build.a_form([build.a_create("c1")]))
    before = build.dump(store)
    good = [build.an_update("c1", p="1"), build.a_create("a"), build.a_create("z")]
    receipt = build.submit(store, build.a_form([*good, block]))
    after = build.dump(store)
    assert receipt.kind is Kind.ERROR
    for table in set(after) - {"entries", "bodies", "forms"}:
        assert after[table] == before[table], table
    assert len(after["entries"]) == len(before["entries"]) + 1


def test_a_rejected_form_does_not_touch_its_neighbours_in_the_commit(store):
    """One failing submission never fails the others (rules/design.md 3.1)."""
    found = build.write(
        store,
        build.a_submission(build.a_form([build.an_update("c1", p="1")])),
        build.a_submission(
            build.a_form([build.an_update("c1", p="2"), build.a_block("")])
        ),
        build.a_submission(build.a_form([build.an_update("c1", q="3")])),
    )
    assert [receipt.kind for receipt in found] == [Kind.NORMAL, Kind.ERROR, Kind.NORMAL]
    assert build.case_of(store).properties == {"p": "1", "q": "3"}


@pytest.mark.parametrize("body", [b"", b"<a", b"<a/>", b"\x00", b"<!DOCTYPE a><a/>"])
def test_bytes_that_are_no_form_are_kept(store, body):
    """Rule 12.3: a submission error with a new id of 32 hex digits."""
    receipt = build.submit(store, body)
    assert receipt.kind is Kind.SUBMISSION_ERROR
    assert len(receipt.form_id) == 32
    assert state_of(store, receipt.form_id) == (2, 2, "submission_error", None)
    with store.snapshot(build.DOMAIN) as reader:
        assert log.bodies_at(reader, [2]) == {2: body}


def test_a_device_log_is_kept_and_is_no_form(store):
    """Rule 4.1: device logs change no case."""
    body = build.a_form(
        [build.a_create()], xmlns="http://code.javarosa.org/devicereport"
    )
    assert build.submit(store, body).kind is Kind.DEVICE_LOG
    assert build.cases_of(store) == {}


def test_a_late_form_takes_its_place_in_the_fold(store):
    """Rule D-2: a form with an earlier receive time is folded before, not after."""
    clock = build.FixedClock()
    build.submit(store, build.a_form([build.an_update(p="new", q="2")]), clock=clock)
    clock.now += 1_000_000
    late = build.a_form([build.an_update(p="old", r="3")])
    build.submit(store, late, submit_time=build.NOW - 60_000_000, clock=clock)
    case = build.case_of(store)
    assert case.properties == {"p": "new", "q": "2", "r": "3"}
    assert case.server_modified_on == "2024-03-05T09:00:01.000000Z"
    assert verify(store, build.DOMAIN).ok


def test_a_late_form_behind_forms_of_its_own_commit_is_folded_before_them(store):
    """Rule D-2 holds for what has not been written yet, too."""
    build.write(
        store,
        build.a_submission(build.a_form([build.an_update(p="1")])),
        build.a_submission(build.a_form([build.an_update(p="2", q="2")])),
        build.a_submission(
            build.a_form([build.an_update(p="0", q="0", r="0")]), submit_time=1
        ),
    )
    assert build.case_of(store).properties == {"p": "2", "q": "2", "r": "0"}
    assert verify(store, build.DOMAIN).ok


def test_a_ledger_block_touches_a_known_case_only(store):
    """Rules 18.2 and 18.3: touched with bit 64, no quantities, no new case."""
    build.submit(store, build.a_form([build.a_create("c1")]))
    balance = (
        '<balance xmlns="http://commcarehq.org/ledger/v1" entity-id="{}" '
        'date="2024-03-05" section-id="s"><entry id="p" quantity="4"/></balance>'
    )
    body = build.a_form(inside=balance.format("c1") + balance.format("nobody"))
    assert build.submit(store, body).kind is Kind.NORMAL
    assert list(build.cases_of(store)) == ["c1"]
    assert [row[5] for row in build.dump(store)["case_forms"]] == [1 + 128, 1 + 64]
    assert verify(store, build.DOMAIN).ok


def test_a_deletion_is_a_flag_that_forms_do_not_lift(store):
    """Rule 8.3: forms apply to a deleted case, and it stays deleted."""
    build.submit(store, build.a_form([build.a_create()]))
    build.write(store, build.a_flag("c1"))
    build.submit(store, build.a_form([build.an_update(p="1")]))
    case = build.case_of(store)
    assert case.deleted_on is not None
    assert case.properties == {"p": "1"}
    build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE))
    assert build.case_of(store).deleted_on is None
    assert verify(store, build.DOMAIN).ok


def test_replay_equals_live(store):
    """Rebuilt tables equal live ones row for row, whatever the log holds."""
    clock = build.FixedClock()
    broken = build.a_form([build.a_block("c1", index={"parent": "c2"})], form_id="f")
    steps = [
        build.a_submission(build.a_form([build.a_create("c1")])),
        build.a_submission(broken),
        build.a_submission(build.a_form([build.a_create("c2", close=True)])),
        build.a_submission(broken),
        build.a_submission(b"<no"),
        build.changes(build.a_change(external_id="x", properties={"p": "1"})),
        build.a_flag("c2"),
        build.a_submission(build.a_form([build.an_update(p="0")]), submit_time=5),
    ]
    for step in steps:
        clock.now += 1_000_000
        build.write(store, step, clock=clock)
    before = build.derived(store)
    replay(store, build.DOMAIN)
    after = build.derived(store)
    for table in after:
        assert after[table] == before[table], table
    assert verify(store, build.DOMAIN).ok
