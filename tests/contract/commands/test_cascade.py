"""Closing a host closes what extends it: rules/case-xml.md 17, row by row.

Whatever a test did, its log is then folded anew and must give the same rows.
"""

from __future__ import annotations

import pytest

from ledger import log
from ledger.directory.domains import DomainSettings, save_settings
from ledger.entry import Author, Kind
from ledger.forms.form_xml import parse_form
from projections.rebuild.replay import replay
from tests.kit import build
from tests.kit.states import form

MINUTE = 60_000_000
SYSTEM_XMLNS = "http://commcarehq.org/case"


@pytest.fixture(autouse=True)
def domain(store, proved_domain):
    """Let the domain close extensions."""
    set_closing(store, closes=True)
    return proved_domain


def set_closing(store, *, closes):
    with store.writing(build.DOMAIN) as writer:
        save_settings(
            writer,
            DomainSettings(close_extensions=closes),
            author=Author(user_id="root"),
            now=build.NOW,
        )


def linked(case_id, host, relationship="extension", **more):
    """Return a block that makes a case with an index to another."""
    return build.a_create(case_id, index={"host": (host, "t", relationship)}, **more)


def closing(*case_ids, form_id="closing"):
    return form(*(build.a_block(i, close=True) for i in case_ids), form_id=form_id)


def closed(store):
    """Return the ids of the closed cases."""
    return {i for i, case in build.cases_of(store).items() if case.closed}


def a_chain(store):
    """Make a host, its extension, and that one's extension."""
    blocks = [build.a_create("a"), linked("b", "a"), linked("c", "b")]
    build.submit(store, form(*blocks))


def test_closing_a_host_closes_the_whole_open_chain(store):
    """Rule 17.2: a host is closed, one closing transaction each."""
    a_chain(store)
    build.submit(store, closing("a"))
    assert closed(store) == {"a", "b", "c"}
    last = build.entries_of(store)[-1].position
    rows = [row for row in build.dump(store)["case_forms"] if row[4] == last]
    assert sorted(row[1] for row in rows) == ["b", "c"]


def test_closing_an_extension_closes_what_is_below_it(store):
    """Rule 17.2: an extension in the middle is closed, what is below it follows."""
    a_chain(store)
    build.submit(store, closing("b"))
    assert closed(store) == {"b", "c"}


def test_child_indices_are_not_followed(store):
    """Rule 17.2: a parent is closed, children and their extensions stay open."""
    build.submit(
        store,
        form(build.a_create("a"), linked("child", "a", "child"), linked("b", "child")),
    )
    build.submit(store, closing("a"))
    assert closed(store) == {"a"}


def test_the_parent_of_a_host_stays_open(store):
    """Rule 17.2: a host that is a child closes its extensions, not its parent."""
    build.submit(
        store,
        form(build.a_create("p"), linked("a", "p", "child"), linked("b", "a")),
    )
    build.submit(store, closing("a"))
    assert closed(store) == {"a", "b"}


def test_an_extension_of_two_hosts_closes_with_one_of_them(store):
    """Rule 17.2: one of them closed is enough."""
    indices = {"host": ("a", "t", "extension"), "other": ("z", "t", "extension")}
    both = build.a_create("b", index=indices)
    build.submit(store, form(build.a_create("a"), build.a_create("z"), both))
    build.submit(store, closing("z"))
    assert closed(store) == {"b", "z"}


def test_a_closed_extension_stops_the_walk(store):
    """Rule 17.2: what is below it stays open."""
    build.submit(
        store,
        form(build.a_create("a"), linked("b", "a", close=True), linked("x", "a")),
    )
    # Made after b was closed, and by a form that touches no closed case.
    build.submit(store, form(linked("c", "b"), form_id="g"))
    build.submit(store, closing("a"))
    assert closed(store) == {"a", "b", "x"}


def test_cycles_are_safe(store):
    """Rule 17.2: two cases that extend each other, and one that extends itself."""
    build.submit(store, form(linked("a", "b"), linked("b", "a"), linked("c", "c")))
    build.submit(store, closing("a", "c"))
    assert closed(store) == {"a", "b", "c"}
    build.submit(store, form(build.an_update("c", p="1"), form_id="g"))


def test_a_deleted_extension_is_left_alone(store):
    """Rule 17.2: neither closed nor followed, and a deleted host closes nothing."""
    a_chain(store)
    build.submit(store, form(build.a_create("z"), linked("y", "z"), form_id="g"))
    build.write(store, build.a_flag("b", "z"))
    build.submit(store, closing("a", "z"))
    assert closed(store) == {"a", "z"}


def test_an_index_that_was_cleared_is_not_followed(store):
    """Rule 17.2: a tombstone is no index."""
    a_chain(store)
    cleared = build.a_block("b", index={"host": ("", "t", None)})
    build.submit(store, form(cleared, form_id="g"))
    build.submit(store, closing("a"))
    assert closed(store) == {"a"}


def test_nothing_is_closed_unless_the_domain_wants_it(store):
    """Rule 17.1: off, no form follows; on again, the next touch closes."""
    set_closing(store, closes=False)
    a_chain(store)
    build.submit(store, closing("a"))
    assert closed(store) == {"a"}
    set_closing(store, closes=True)
    build.submit(store, form(build.an_update("a", p="1"), form_id="g"))
    assert closed(store) == {"a", "b", "c"}


def test_no_form_follows_when_there_is_nothing_to_close(store):
    """Rule 17.3: the log holds no empty forms."""
    build.submit(store, form(build.a_create("a")))
    build.submit(store, closing("a"))
    assert [entry.kind for entry in build.entries_of(store)][-1] is Kind.NORMAL
    assert build.entries_of(store)[-1].form_id == "closing"


def test_the_closing_form_says_who_what_and_why(store):
    """Rule 17.3: blocks by case id; user system, the cause's form id and time."""
    clock = build.FixedClock()
    a_chain(store)
    clock.now += MINUTE
    build.submit(store, closing("a"), clock=clock)
    cause, entry = build.entries_of(store)[-2:]
    assert (entry.kind, entry.xmlns) == (Kind.NORMAL, SYSTEM_XMLNS)
    assert entry.details["cause"] == "closing"
    assert entry.user_id == "system"
    assert entry.received_on == entry.appended_on == cause.appended_on + 1
    assert entry.form_id not in {"", None, "closing"}
    with store.snapshot(build.DOMAIN) as reader:
        body = log.bodies_at(reader, [entry.position])[entry.position]
    made = parse_form(body)
    assert made.meta.user_id == "system"
    assert made.meta.device_id == "SubmissionPost-closing-close_extensions"
    when = "2024-03-05T09:01:00.000000Z"
    assert [
        (block.case_id, block.close, block.user_id, block.date_modified)
        for block in made.blocks
    ] == [("b", True, "system", when), ("c", True, "system", when)]
    case = build.case_of(store, "c")
    assert (case.closed_on, case.closed_by, case.modified_by) == (
        when,
        "system",
        "system",
    )


def test_the_sync_token_of_the_cause_goes_along(store):
    """Rule 17.3: same sync token as the causing form."""
    a_chain(store)
    command = build.a_submission(closing("a"), envelope={"last_sync_token": "t-1"})
    build.write(store, command)
    assert build.entries_of(store)[-1].details["last_sync_token"] == "t-1"


def test_a_form_that_makes_a_closed_host_closes_its_extensions(store):
    """Rule 17.2: whichever form leaves a case closed, one that makes all too."""
    build.submit(store, form(build.a_create("a", close=True), linked("b", "a")))
    assert closed(store) == {"a", "b"}


def test_closing_through_an_api_closes_extensions_too(store):
    """Rule 17.2: changes are a form like any other."""
    a_chain(store)
    change = build.a_change(build.Intent.UPDATE, case_id="a", close=True)
    build.write(store, build.changes(change))
    assert closed(store) == {"a", "b", "c"}


def test_a_dry_run_closes_nothing(store):
    """Rule 17: the whole cascade is tried and forgotten."""
    a_chain(store)
    before = build.dump(store)
    change = build.a_change(build.Intent.UPDATE, case_id="a", close=True)
    build.write(store, build.changes(change, dry_run=True))
    assert build.dump(store) == before


def test_an_edit_that_closes_a_host_closes_its_extensions(store):
    """Rule 17.2: after a form is saved, an edit too; a failed one closes nothing."""
    a_chain(store)
    touch = form(build.an_update("a", p="1"), form_id="g")
    build.submit(store, touch)
    gone = build.a_block("a", close=True, index={"parent": "gone"})
    assert build.submit(store, form(gone, form_id="g")).kind is Kind.ERROR
    assert closed(store) == set()
    build.submit(store, closing("a", form_id="g"))
    assert closed(store) == {"a", "b", "c"}
    kinds = [entry.kind for entry in build.entries_of(store)]
    assert kinds[-2:] == [Kind.EDIT, Kind.NORMAL]


@pytest.mark.parametrize("asked", [True, False])
def test_an_error_that_is_run_again_closes_extensions(store, asked):
    """Rule 17.2: when it succeeds, by request or because its bytes came again."""
    a_chain(store)
    bad = form(
        build.a_block("a", close=True, index={"parent": "gone"}), form_id="closing"
    )
    build.submit(store, bad)
    build.submit(store, form(build.a_create("gone"), form_id="g"))
    if asked:
        build.act(store, Kind.REPROCESS, "closing")
    else:
        build.submit(store, bad)
    assert closed(store) == {"a", "b", "c"}
    kinds = [entry.kind for entry in build.entries_of(store)]
    assert kinds[-2:] == (
        [Kind.REPROCESS, Kind.NORMAL] if asked else [Kind.NORMAL, Kind.DUPLICATE]
    )


@pytest.mark.parametrize("kind", [Kind.ARCHIVE, Kind.FORM_DELETE])
def test_withdrawing_the_cause_does_not_undo_the_closing_form(store, kind):
    """Rule 17.4: it is a form like any other, and can be withdrawn itself."""
    a_chain(store)
    build.submit(store, closing("a"))
    last = build.entries_of(store)[-1]
    build.act(store, kind, "closing")
    assert closed(store) == {"b", "c"}
    build.act(store, kind, last.form_id)
    assert closed(store) == set()


def test_bringing_a_form_back_closes_no_extensions(store):
    """Rule 17.4: only a form that is saved does; unarchiving saves none."""
    a_chain(store)
    build.submit(store, closing("a"))
    cascade = build.entries_of(store)[-1].form_id
    build.act(store, Kind.ARCHIVE, "closing", cascade)
    build.act(store, Kind.UNARCHIVE, "closing")
    assert closed(store) == {"a"}


def test_a_replay_does_not_cascade_again(store):
    """Rule 17.4: the closing form stands in the log; the read tables are the same."""
    a_chain(store)
    build.submit(store, closing("a"))
    before, entries = build.derived(store), len(build.entries_of(store))
    replay(store, build.DOMAIN)
    assert build.derived(store) == before
    assert len(build.entries_of(store)) == entries


def test_an_open_case_that_other_forms_of_the_commit_made_is_found(store):
    """Rule 17: what waits together is decided in order, the cascade included."""
    forms = [
        form(build.a_create("a")),
        form(linked("b", "a"), form_id="g"),
        closing("a"),
        form(linked("late", "a"), form_id="h"),
    ]
    build.write(store, *map(build.a_submission, forms))
    assert closed(store) == {"a", "b"}
