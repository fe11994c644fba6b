"""What the bench sends for the ledger's own powers is made by formula too."""

from __future__ import annotations

from lxml import etree

from api.wire.credentials import read_header
from bench import dataset, xforms
from bench.bare import floors
from bench.figures import Figure, compared
from bench.http import Target, basic
from bench.servers import DOMAIN
from bench.sources import log_edits, one_case
from bench.workloads import WORKLOADS
from bench.workloads.guesses import written
from bench.workloads.past import MARKS

N = 1000
CASE = f"{{{xforms.CASE_NS}}}case"
TARGET = Target("127.0.0.1", 1, DOMAIN)


def _form_id(body: bytes) -> str:
    found = etree.fromstring(body).find(".//{*}instanceID")
    assert found is not None
    return found.text or ""


def test_all_forms_of_h1_are_of_one_case_and_have_their_own_ids():
    """One form creates the case, all others are visits of it (H1)."""
    bodies = list(xforms.one_case_forms(N))
    cases = [etree.fromstring(body).find(CASE) for body in bodies]
    assert {case.get("case_id") for case in cases} == {dataset.case_id(0)}
    assert len({_form_id(body) for body in bodies}) == N
    creating = [i for i, case in enumerate(cases) if case.find("{*}create") is not None]
    assert creating == [0]


def test_the_forms_of_one_case_are_sent_in_order():
    """One group of requests: each waits for the answer to the one before (H1)."""
    [group] = one_case(TARGET, forms=5)
    assert [dataset.form_id(i).encode() in r for i, r in enumerate(group.requests)] == [
        True
    ] * 5


def test_an_edited_form_keeps_its_id_and_case_and_has_other_bytes():
    """Every edition of a form differs from all before, so each one is an edit (E1)."""
    for i in dataset.log_edits(100):
        bodies = [
            xforms.log_form(i, N),
            *(xforms.edited_form(i, N, edition=e) for e in (1, 2)),
        ]
        assert len(set(bodies)) == 3
        assert len({_form_id(body) for body in bodies}) == 1
        ids = {etree.fromstring(body).find(CASE).get("case_id") for body in bodies}
        assert ids == {dataset.case_id(dataset.log_target(i))}


def test_one_form_in_ten_is_edited_half_of_them_creating():
    """A tenth of the log, creating and changing forms alike (E1)."""
    edited = dataset.log_edits(N)
    assert len(edited) == len(list(log_edits(TARGET, size=N, edition=1))) == N // 10
    assert sum(i % 2 for i in edited) == N // 20


def test_the_floor_of_bodies_reads_what_was_kept(tmp_path):
    """The floors of H1 and F1 take time and count rows on a bare database."""
    url = f"sqlite:///{tmp_path}/bare.db"
    floors.keep_forms(url, xforms.one_case_forms(30))
    assert floors.bodies_ms(url, times=1) > 0
    assert floors.rows_rate(url, limit=7) > 0


def test_every_figure_of_h1_has_a_goal_that_its_reach_is_within():
    """A reach that is easier than the goal would never be told (docs/bench.md)."""
    assert {"H1", "U1", "F1", "E1"} <= WORKLOADS.keys()
    for goal, reach in MARKS.values():
        line = Figure(workload="H1", case="", measure="", value=reach, floor=1.0)
        assert reach < goal
        assert compared(line).ratio == reach


def test_every_log_in_says_the_same_in_another_header():
    """What the server remembers of one helps no other (A1)."""
    header = basic("right@example.org", "it is: known")
    ways = {written(header, way) for way in range(200)}
    assert len(ways) == 200
    assert {read_header(way) for way in ways} == {read_header(header)}
