"""Erasure: what was said of a case cannot be read any more, and all else still proves.

Every promise holds on both databases.
"""

from __future__ import annotations

import pytest

from ledger.bodies import add_dictionary
from ledger.commands.form_states import ChangeForms
from ledger.entry import Kind
from ledger.erasure.erase import EraseCases, search
from ledger.erasure.repacking import Repack
from ledger.errors import Conflict
from projections.past.timeline import as_of
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.directory import People
from tests.kit.erasing import ADMIN, erase, everything

NAME, BORN, ANSWER = "Idrissa Kouyate", "1990-04-17", "lives behind the mosque"
SECRETS = (NAME, BORN, ANSWER, "P-4711", "scar on the left hand")


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


@pytest.fixture
def told(store):
    """Tell all there is to tell about c1, beside what is told of c2."""
    mine = build.a_create(
        "c1",
        create={"case_name": NAME},
        update={"born": BORN, "external_id": "P-4711"},
        index={"parent": "c2"},
        attach={"photo": {"src": "mine.jpg"}},
    )
    other = build.a_create("c2", update={"note": "stays"}, attach=_FACE)
    asked = f"<q>{ANSWER}</q>"
    body = build.a_form([mine, other], form_id="f1", inside=asked)
    files = [build.a_file("mine.jpg", b"my face"), build.a_file("c2.jpg", b"c2 face")]
    build.submit(store, body, attachments=files)
    build.submit(store, body, attachments=files)
    edited = build.a_form([build.an_update("c1", mark=SECRETS[4])], form_id="f2")
    build.submit(store, edited)
    build.submit(store, build.a_form([build.an_update("c1", mark="-")], form_id="f2"))
    build.submit(store, build.a_form([build.an_update("c2", later="too")]))
    bad = build.a_block("c1", update={"name": NAME}, index={"x": "nobody"})
    build.submit(store, build.a_form([bad], form_id="bad"))
    build.submit(store, b"<broken><case case_id='c1'>" + NAME.encode())


_FACE = {"face": {"src": "c2.jpg"}}


def test_nothing_that_was_said_of_the_case_can_be_read(store, told):
    """In no body, duplicate, earlier version, error, file or read table."""
    before = everything(store)
    assert all(secret.encode() in before for secret in SECRETS)
    erased = erase(store, "c1")
    assert erased.receipt.kind is Kind.ERASE
    after = everything(store)
    assert [s for s in (*SECRETS, "my face") if s.encode() in after] == []
    assert b"stays" in after
    assert b"c2 face" in after


def test_chain_positions_and_all_other_cases_still_verify_and_replay(store, told):
    """The headers are as they were; a replay folds what is left."""
    entries = build.dump(store)["entries"]
    other = build.case_of(store, "c2")
    erase(store, "c1")
    assert build.dump(store)["entries"][: len(entries)] == entries
    proved = verify(store, build.DOMAIN)
    assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
    assert build.case_of(store, "c2") == other
    read = build.derived(store)
    replay(store, build.DOMAIN)
    assert build.derived(store) == read
    assert verify(store, build.DOMAIN).ok


def test_the_case_is_deleted_and_empty_now_and_at_any_time(store, told):
    """What stays is its id, its type and that it was there."""
    erase(store, "c1")
    case = build.case_of(store)
    assert (case.case_type, case.case_name) == ("patient", "")
    assert (case.properties, case.external_id) == ({}, None)
    assert (case.live_indices, case.attachments) == ({}, {})
    assert case.flagged
    with store.reading(build.DOMAIN) as reader:
        assert as_of(reader, "c1", 10**18) == case
        earlier = as_of(reader, "c1", build.NOW + 2)
    assert (earlier.case_name, earlier.properties) == ("", {})


def test_who_when_and_why_is_an_entry(store, told):
    """The entry names the cases, the reason, and each body that was replaced."""
    position = erase(store, "c1").receipt.position
    row = build.dump(store)["entries"][-1]
    assert (row[1], row[2], row[7]) == (position, "erase", "root")
    for word in ('"article 17, request 12"', '"case_ids":["c1"]', '"bodies":{"2":'):
        assert word in row[11]


@pytest.mark.parametrize("reason", ["", "  "])
def test_an_erasure_without_a_reason_is_refused(store, told, reason):
    """And changes nothing."""
    before = build.dump(store)
    outcome = erase(store, "c1", reason=reason)
    assert isinstance(outcome, Conflict)
    assert outcome.field == "reason"
    assert build.dump(store) == before


def test_an_unknown_case_is_refused(store, told):
    """Nothing is erased by a slip of the pen."""
    before = build.dump(store)
    assert isinstance(erase(store, "c1", "stranger"), Conflict)
    assert build.dump(store) == before


@pytest.mark.parametrize("field", ["user_id", "username"])
def test_what_the_log_states_of_users_stays(store, told, field):
    """A case may have the id of a user: the note of the user is no form about it."""
    named = getattr(People(store).user("amina"), field)
    build.submit(store, build.a_form([build.a_create(named, update={"born": BORN})]))
    erase(store, named)
    assert build.case_of(store, named).properties == {}
    proved = verify(store, build.DOMAIN)
    assert proved.ok, [*proved.breaks, *map(str, proved.differences)]


def test_what_only_the_directory_names_is_no_case(store, told):
    """Such as a digit, which stands in any note."""
    People(store).user("amina")
    refused = erase(store, "0")
    assert isinstance(refused, Conflict)
    assert refused.field == "case_id"
    assert verify(store, build.DOMAIN).ok


def test_a_second_erasure_reaches_the_rest_of_the_form(store, told):
    """The later digest counts for the proof."""
    erase(store, "c1")
    erase(store, "c2")
    assert b"stays" not in everything(store)
    assert b"c2 face" not in everything(store)
    assert verify(store, build.DOMAIN).ok


def test_the_log_is_append_only_again_afterwards(store, told):
    """The guard is lifted inside the erasure's own transaction only."""
    _train(store)
    erased = erase(store, "c1")
    while build.write(store, Repack(stale=erased.stale, after=10_000)) != [None]:
        pass
    for table in ("bodies", "dictionaries", "entries"):
        with pytest.raises(Exception, match="append-only"):
            store.connection.raw.execute(f"DELETE FROM {table}")  # noqa: S608


def test_dictionaries_that_hold_pieces_of_it_go_too(store, told):
    """Bodies are compressed anew, in small commits, and prove as before."""
    _train(store)
    assert SECRETS[4].encode() in everything(store)
    erased = erase(store, "c1")
    assert erased.stale
    after = 0
    while after is not None:
        (after,) = build.write(store, Repack(stale=erased.stale, after=after, most=90))
    assert SECRETS[4].encode() not in everything(store)
    assert verify(store, build.DOMAIN).ok
    build.submit(store, build.a_form([build.an_update("c2", new="1")]))
    assert verify(store, build.DOMAIN).ok


def _train(store):
    for place in range(100):
        body = build.a_form([build.an_update("c1", mark=f"{SECRETS[4]} {place}")])
        build.submit(store, body)
    with store.writing(build.DOMAIN) as writer:
        assert add_dictionary(writer)
    for place in range(5):
        build.submit(store, build.a_form([build.an_update("c1", mark=f"{place}")]))


def test_a_search_made_before_spares_the_time_under_the_lock(store, told):
    """What was appended since is searched by the erasure itself."""
    with store.reading(build.DOMAIN) as reader:
        found = search(reader, ["c1"])
    build.submit(store, build.a_form([build.an_update("c1", mark=SECRETS[4])]))
    command = EraseCases(case_ids=("c1",), author=ADMIN, reason="asked", found=found)
    build.write(store, command)
    assert SECRETS[4].encode() not in everything(store)
    assert verify(store, build.DOMAIN).ok


def test_forms_of_an_erased_case_can_still_be_archived_and_back(store, told):
    """An entry about a redacted form folds what is left of it."""
    erase(store, "c1")
    for kind in (Kind.ARCHIVE, Kind.UNARCHIVE):
        build.write(store, ChangeForms(form_ids=("f1",), kind=kind, author=ADMIN))
        assert verify(store, build.DOMAIN).ok
