"""Counted parts of lists on both databases, against a walk through all cases.

The rules are those of rules/hq-frame.md 2 and rules/hq-cases.md 2.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.times import format_micros
from projections.cases.touching import touching_forms
from projections.lists.filter import CaseFilter, Operator, Sort, TimeRange, Window
from projections.lists.windows import in_order, list_window
from tests.kit.build import (
    DOMAIN,
    a_create,
    a_domain,
    a_flag,
    a_form,
    a_submission,
    an_update,
    write,
)

CASES = 60
INDEXED, SERVER, MODIFIED = "indexed_on", "server_modified_on", "modified_on"
EVERYTHING = Window(limit=1000, offset=0, sorts=(Sort(INDEXED),))


@pytest.fixture
def stocked(store):
    """Make a domain whose forms touch several cases each; two cases are deleted."""
    a_domain(store)
    blocks = [block(n) for n in range(CASES)]
    forms = [blocks[n : n + 4] for n in range(0, CASES, 4)]
    write(store, *[a_submission(a_form(some)) for some in forms])
    again = [an_update(f"c{n:02}", ward="w9") for n in (30, 3, 40)]
    write(store, a_submission(a_form(again)), a_flag("c05", "c50"))
    return store


def block(n: int) -> str:
    """Return the block that creates case ``n``; most are patients, few visits."""
    kind = "visit" if n % 20 == 0 else "Patient"
    return a_create(
        f"c{n:02}",
        create={"case_type": kind, "case_name": f"Éva {n % 5}", "owner_id": "o"},
        update={"external_id": f"X{n % 7}"},
        user_id=f"u{n % 3}",
        close=n % 6 == 0,
        date_modified=f"2024-01-{n % 9 + 1:02}",
    )


def since(column: str, when: str, operator: Operator = Operator.GTE) -> CaseFilter:
    """Return the filter of one range."""
    asked = TimeRange(column=column, operator=operator, values=(when,))
    return CaseFilter(ranges=(asked,))


def test_every_window_is_that_part_of_the_whole_list(stocked):
    """Any order, any filter, any offset: the cases that a plain walk finds there."""
    with stocked.reading(DOMAIN) as r:
        cases, _ = list_window(r, CaseFilter(), EVERYTHING)
        times = [case.seen.server_modified_on for case in cases]
        middle = times[len(times) // 2]
        filters = {
            "all": (CaseFilter(), lambda c: True),
            "closed": (CaseFilter(closed=(True,)), lambda c: c.seen.closed),
            "open": (CaseFilter(closed=(False,)), lambda c: not c.seen.closed),
            "rare": (
                CaseFilter(equals={"case_type": ("visit",)}),
                lambda c: c.seen.case_type == "visit",
            ),
            "folded type": (
                CaseFilter(folded=(("case_type", "pATIENT"),)),
                lambda c: c.seen.case_type == "Patient",
            ),
            "folded name": (
                CaseFilter(folded=(("case_name", "éVA 3"), ("external_id", "x1"))),
                lambda c: (c.seen.case_name, c.seen.external_id) == ("Éva 3", "X1"),
            ),
            "none": (CaseFilter(folded=(("case_type", "éva"),)), lambda c: False),
            "user": (
                CaseFilter(equals={"modified_by": ("u1",)}),
                lambda c: c.modified_by == "u1",
            ),
            "opened by": (
                CaseFilter(equals={"opened_by": ("u2",), "closed_by": ("u2",)}),
                lambda c: c.opened_by == c.closed_by == "u2",
            ),
            "since": (
                since(SERVER, middle),
                lambda c: c.seen.server_modified_on >= middle,
            ),
            "before": (
                since(SERVER, middle, Operator.LTE),
                lambda c: c.seen.server_modified_on <= middle,
            ),
            "phone": (
                since(MODIFIED, "2024-01-04T00:00:00.000000Z"),
                lambda c: c.seen.modified_on >= "2024-01-04T00:00:00.000000Z",
            ),
            "typed since": (
                replace(since(SERVER, middle), equals={"case_type": ("Patient",)}),
                lambda c: (
                    c.seen.server_modified_on >= middle
                    and c.seen.case_type == "Patient"
                ),
            ),
        }
        orders = [
            (Sort(INDEXED),),
            (Sort(INDEXED, descending=True),),
            (Sort(SERVER),),
            (Sort(SERVER, descending=True),),
            (Sort(MODIFIED),),
            (Sort(MODIFIED, descending=True), Sort(INDEXED)),
            (Sort(SERVER), Sort(INDEXED, descending=True)),
        ]
        for name, (asked, holds) in filters.items():
            found = [case for case in cases if holds(case)]
            for sorts in orders:
                expected = [c.seen.case_id for c in in_order(found, sorts)]
                # The second round begins where pages of the first one ended.
                for limit, offset in [(7, n) for n in range(0, 63, 7)] * 2 + [(9, 40)]:
                    window = Window(limit=limit, offset=offset, sorts=sorts)
                    rows, total = list_window(r, asked, window)
                    ids = [case.seen.case_id for case in rows]
                    told = (name, sorts, offset)
                    assert ids == expected[offset : offset + limit], told
                    assert total == len(expected), told


def test_ever_later_starts_tell_the_true_total(stocked):
    """A reader that goes on from the last time it saw, and one that goes back."""
    for column, sorts in ((INDEXED, (Sort(INDEXED),)), (SERVER, (Sort(SERVER),))):
        with stocked.reading(DOMAIN) as r:
            cases, total = list_window(
                r, CaseFilter(), replace(EVERYTHING, sorts=sorts)
            )
            texts = [_text(case, column) for case in cases]
            for start in (0, 1, 9, 30, 57, 20, 20, 3):
                asked = since(column, texts[start])
                page = Window(limit=5, offset=0, sorts=sorts)
                rows, found = list_window(r, asked, page)
                meant = [case for case in cases if _text(case, column) >= texts[start]]
                assert [c.seen.case_id for c in rows] == [
                    *(c.seen.case_id for c in meant[:5])
                ]
                assert (found, total) == (len(meant), CASES - 2)


def _text(case, column):
    value = getattr(case.seen, column)
    return format_micros(value) if isinstance(value, int) else value


def test_the_forms_that_touch_a_case_stand_in_the_order_of_the_fold(store):
    """Those that are archived are left out."""
    a_domain(store)
    write(
        store,
        a_submission(a_form([a_create("c1")], form_id="f1")),
        a_submission(a_form([an_update("c1", a="1")], form_id="f2")),
        a_submission(a_form([an_update("c1", a="2")], form_id="f3")),
    )
    with store.reading(DOMAIN) as r:
        found = touching_forms(r, ["c1", "nobody"])
        assert found.keys() == {"c1"}
        assert found["c1"].form_ids == ("f1", "f2", "f3")
        assert found["c1"].first_received_on is not None
