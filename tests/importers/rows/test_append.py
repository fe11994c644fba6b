"""Forms that the server writes for rows: built, parsed back, appended or tried."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from importers.rows.append import (
    NotInForce,
    append_built,
    append_to,
    judge,
)
from importers.rows.decide import decide_each, needs_of
from ledger.entry import Kind
from ledger.submit import Draft, Needs
from tests.kit import build


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


@dataclass
class Trying:
    """A command that does something with a session and returns what that returns."""

    work: Any
    wanted: Needs = field(default_factory=Needs)
    size: int = 0

    def needs(self):
        """Look up what the test says."""
        return self.wanted

    def run(self, session):
        """Do it."""
        return self.work(session)

    def failed(self, session, error):
        """Keep nothing."""


def tried(store, work, **wanted):
    """Return what some work in a session returns."""
    (found,) = build.write(store, Trying(work, Needs(**wanted)))
    return found


def a_draft(form_id="f1"):
    return Draft(Kind.NORMAL, form_id, xmlns=build.XMLNS, user_id=build.USER)


def appending(body, session):
    return append_built(lambda: body, a_draft(), append=append_to(session))


def test_a_form_is_appended_as_its_bytes_say(store):
    """Law 1: the fold sees what was parsed from them."""
    body = build.a_form([build.a_create("c1")], form_id="f1")
    assert tried(store, partial(appending, body)) is None
    assert build.case_of(store, "c1").case_name == "Idris"
    assert build.entries_of(store)[-1].form_id == "f1"


def test_a_form_that_the_fold_refuses_is_kept_as_an_error(store):
    block = build.a_create("c1", create={"case_name": "x" * 300})
    found = tried(store, partial(appending, build.a_form([block], form_id="f1")))
    assert found.form_id == "f1"
    assert "length" in found.problem
    entry = build.entries_of(store)[-1]
    assert (entry.kind, entry.form_id) == (Kind.ERROR, "f1")


def test_what_is_no_form_leaves_nothing(store):
    """Whether it cannot be built or cannot be parsed."""

    def build_none():
        raise ValueError("no name")

    def work(session):
        return append_built(build_none, a_draft(), append=append_to(session))

    before = len(build.entries_of(store))
    assert tried(store, work) == NotInForce("no name")
    assert tried(store, partial(appending, b"<data>")).form_id is None
    assert len(build.entries_of(store)) == before


def test_what_was_tried_is_not_there(store):
    """In a session that is never saved; the one behind it does not see it either."""
    body = build.a_form([build.a_create("c1")], form_id="f1")

    def work(session):
        found = appending(body, session.scratch())
        return found, session.cases.case("c1")

    assert tried(store, work) == (None, None)
    assert build.cases_of(store) == {}


def test_judging_tells_what_a_form_breaks_by_itself(store):
    """Nothing is folded, so what a case makes of it is not known."""
    good = build.a_form([build.a_create("c1")])
    bad = build.a_form([build.a_block("")])
    assert append_built(lambda: good, a_draft(), append=judge) is None
    found = append_built(lambda: bad, a_draft(), append=judge)
    assert (found.form_id, bool(found.problem)) == ("f1", True)


def test_a_case_that_was_looked_up_is_not_taken_as_new(store):
    """Though a block would create it: it is changed, and keeps what it had."""
    build.submit(store, build.a_form([build.a_create("c1", update={"age": "3"})]))
    body = build.a_form([build.a_create("c1", update={"sex": "m"})], form_id="f1")
    assert tried(store, partial(appending, body), case_ids=["c1"]) is None
    assert dict(build.case_of(store, "c1").properties) == {"age": "3", "sex": "m"}


@dataclass
class Row:
    """A row that is known by a number."""

    number: int


def told(rows, **acts):
    """Return what is done with rows, in order."""
    done = []
    given = {
        "decide": lambda row: row.number,
        "apply": lambda row, verdict: done.append((row.number, verdict)),
        "unforeseen": lambda row, error: done.append((row.number, error)),
    }
    decide_each(rows, job_id="job", **(given | acts))
    return done


def test_each_row_is_applied_before_the_next_is_asked_for():
    done = []

    def rows():
        for number in range(3):
            assert done == list(range(number))
            yield Row(number)

    told(rows(), apply=lambda row, _: done.append(row.number))
    assert done == [0, 1, 2]


@pytest.mark.parametrize("error", [ValueError, IndexError, KeyError, RecursionError])
def test_a_fault_of_deciding_is_that_of_its_row(error, caplog):
    """It is logged with the number of the row, and nothing that the row says."""

    def decide(row):
        if row.number == 1:
            raise error("secret")
        return row.number

    (first, _), (second, found), (third, _) = told(map(Row, range(3)), decide=decide)
    assert (first, second, third) == (0, 1, 2)
    assert isinstance(found, error)
    (record,) = caplog.records
    assert (record.message, record.row) == ("row_not_decided", 1)


def test_a_fault_of_applying_stops_all():
    """Some of the row may be appended, so the whole commit must not be."""

    def apply(_row, _verdict):
        raise ValueError("half done")

    with pytest.raises(ValueError, match="half done"):
        told([Row(0)], apply=apply)


def test_what_rows_name_is_looked_up_once():
    needs = needs_of([({"a"}, {"x"}), ((), ("x", "y")), ({"a", "b"}, ())])
    assert (set(needs.case_ids), set(needs.external_ids)) == ({"a", "b"}, {"x", "y"})
