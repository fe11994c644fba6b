"""Lists of forms at any depth: rules/hq-forms.md 2, against a list made by hand."""

from __future__ import annotations

from itertools import product

import pytest

from ledger.entry import Kind
from projections.forms.lists import list_forms
from projections.forms.values import ANYTIME, FormOrder, FormQuestion, Span
from projections.rule.leaves import LeafTest
from tests.kit import build

VISIT, DEATH = "http://example.org/visit", "http://example.org/death"
HOUR = 3_600_000_000
OLD = build.NOW - HOUR


@pytest.fixture
def forms(store, proved_domain):
    """Fill a domain with forms that have been through everything.

    Return those that lists may show, by id: state, xmlns, app, times and cases.
    """
    clock = build.FixedClock()

    def send(form_id, *cases, xmlns=VISIT, app=None, body="", user=build.USER, **more):
        clock.now += 1000
        blocks = [build.an_update(case_id, **{form_id: "1"}) for case_id in cases]
        return build.submit(
            store,
            build.a_form(
                blocks, form_id=form_id, xmlns=xmlns, user_id=user, inside=body
            ),
            envelope={} if app is None else {"app_id": app},
            clock=clock,
            **more,
        )

    creates = [build.a_create(case_id) for case_id in ("c1", "c2")]
    build.submit(store, build.a_form(creates, form_id="first"), clock=clock)
    for n in range(9):
        at = {"submit_time": OLD + n % 2} if n % 3 == 2 else {}
        send(f"plain{n}", "c1", xmlns=(VISIT, DEATH)[n % 2], app="ab"[n % 2], **at)
    send("edited", "c1", app="a")
    send("edited", "c2", app="a", body="<note>Late</note>")
    send("broken", "c1")
    send("broken", body=build.a_block("c1", index={"parent": "nobody"}))
    send("copy", "c2", user="u-bello", body="<note>LATE</note>")
    send("copy", "c2", user="u-bello", body="<note>LATE</note>")
    for form_id in ("archived", "back", "gone"):
        send(form_id, "c2", xmlns=DEATH, app="b")
    for kind, form_id in (
        (Kind.ARCHIVE, "archived"),
        (Kind.ARCHIVE, "back"),
        (Kind.UNARCHIVE, "back"),
        (Kind.FORM_DELETE, "gone"),
    ):
        clock.now += 1000
        build.act(store, kind, form_id, clock=clock)
    return listed(store)


def listed(store):
    """Return what the log and the table of forms say of each form that is listed."""
    entries = {entry.position: entry for entry in build.entries_of(store)}
    found = {}
    for form_id, row in build.forms_of(store).items():
        version, decided = entries[row.version], entries[row.position]
        if row.state in {"normal", "archived"}:
            found[form_id] = {
                "state": row.state,
                "xmlns": version.xmlns,
                "app": version.details.get("app_id"),
                "indexed": decided.appended_on,
                "received": version.received_on,
                "position": row.position,
            }
    return found


ARCHIVED_TOO = {"include_archived": True}
QUESTIONS = {
    "all": ({}, lambda _: True),
    "with archived ones": (ARCHIVED_TOO, lambda _: True),
    "of an xmlns": ({"xmlns": DEATH}, lambda form: form["xmlns"] == DEATH),
    "of an xmlns that none has": ({"xmlns": "http://none"}, lambda _: False),
    "for an app": (
        {"app_id": "b", **ARCHIVED_TOO},
        lambda form: form["app"] == "b",
    ),
    "received early": (
        {"received": Span(last=build.NOW)},
        lambda form: form["received"] <= build.NOW,
    ),
    "of an app's xmlns, received late": (
        {"xmlns": VISIT, "app_id": "a", "received": Span(first=build.NOW)},
        lambda form: (
            (form["xmlns"], form["app"]) == (VISIT, "a")
            and form["received"] >= build.NOW
        ),
    ),
    "hopeless": ({"hopeless": True}, lambda _: False),
}


def walked(reader, asked, limit):
    """Return the ids of a list, its pages taken from the last one to the first."""
    total = list_forms(reader, asked, limit=0, offset=0).total
    ids = []
    for offset in range(total // limit * limit, -1, -limit):
        page = list_forms(reader, asked, limit=limit, offset=offset)
        assert page.total == total
        ids = [form.form_id for form in page.forms] + ids
    return ids


def test_a_list_has_every_form_that_matches_once_and_in_order(store, forms):
    """Each filter, both orders, either way, and pages of any size from any side."""
    with store.snapshot(build.DOMAIN) as reader:
        for (name, (fields, passes)), order, descending, limit in product(
            QUESTIONS.items(), FormOrder, (True, False), (3, 100)
        ):
            asked = FormQuestion(order=order, descending=descending, **fields)
            key = "received" if order is FormOrder.RECEIVED else "indexed"
            expected = sorted(
                (
                    form_id
                    for form_id, form in forms.items()
                    if passes(form)
                    and (form["state"] == "normal" or asked.include_archived)
                ),
                key=lambda i: (forms[i][key], forms[i]["position"]),
                reverse=descending,
            )
            found = walked(reader, asked, limit)
            assert found == expected, (name, order, descending, limit)
            # From the front a page begins where the one before it ended.
            pages = [
                list_forms(reader, asked, limit=limit, offset=offset).forms
                for offset in range(0, len(expected) + limit, limit)
            ]
            assert [form.form_id for page in pages for form in page] == expected


def test_times_bound_a_list_at_both_ends_to_the_microsecond(store, forms):
    """A form at the very time of a bound is inside."""
    times = sorted(form["indexed"] for form in forms.values())
    with store.snapshot(build.DOMAIN) as reader:
        for first, last in ((None, times[3]), (times[3], None), (times[2], times[6])):
            asked = FormQuestion(
                order=FormOrder.INDEXED,
                descending=False,
                indexed=Span(first, last),
                include_archived=True,
            )
            low, high = first or 0, last or times[-1]
            expected = [time for time in times if low <= time <= high]
            page = list_forms(reader, asked, limit=100, offset=0)
            assert [form.decided_on for form in page.forms] == expected
            assert page.total == len(expected)
            later = list_forms(reader, asked, limit=2, offset=1)
            assert [form.decided_on for form in later.forms] == expected[1:3]


IN_THE_BYTES = [
    ({"case_id": "c1", "xmlns": DEATH}, {f"plain{n}" for n in (1, 3, 5, 7)}),
    ({"case_id": "c2"}, {"first", "edited", "copy", "back"}),
    (
        {"case_id": "c2", **ARCHIVED_TOO},
        {"first", "edited", "copy", "back", "archived"},
    ),
    ({"case_id": "c9"}, set()),
    ({"leaves": (LeafTest("form.note", "late"),)}, {"edited", "copy"}),
    ({"leaves": (LeafTest("form.note", "late", is_exact=True),)}, set()),
    ({"leaves": (LeafTest("metadata.userID", "u-bello", is_exact=True),)}, {"copy"}),
    (
        {
            "leaves": (
                LeafTest("form.case.@case_id", "c2"),
                LeafTest("form.note", "Late"),
            )
        },
        {"edited", "copy"},
    ),
    ({"leaves": (LeafTest("form.note", "late"),), "xmlns": DEATH}, set()),
]


def test_what_stands_in_the_bytes_is_a_condition_too(store, forms):
    """Cases that forms name now, and texts at a path."""
    with store.snapshot(build.DOMAIN) as reader:
        for fields, expected in IN_THE_BYTES:
            found = walked(reader, FormQuestion(**fields), 2)
            assert (len(found), set(found)) == (len(expected), expected), fields


def test_a_form_knows_who_last_changed_its_bytes(store, forms):
    """What was archived or never touched was not edited."""
    asked = FormQuestion(include_archived=True, indexed=ANYTIME)
    with store.snapshot(build.DOMAIN) as reader:
        page = list_forms(reader, asked, limit=100, offset=0)
    edits = {form.form_id: form.edit for form in page.forms if form.edit is not None}
    assert set(edits) == {"edited"}
    assert edits["edited"].user_id == build.USER
    assert edits["edited"].appended_on == forms["edited"]["indexed"]
