"""The same ids in two domains are two things (rules/case-xml.md 8.2 and 13.1)."""

from __future__ import annotations

import pytest

from importers.job_kinds import HANDLERS
from importers.jobs.undo import enqueue_undo
from importers.jobs.values import UndoRequest
from ledger.cases.change import Intent
from ledger.entry import Author, Kind
from ledger.errors import Rejected
from ledger.migrations import migrate
from ledger.store import open_store
from ledger.submit import Draft
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.backups import load, saved
from tests.kit.erasing import a_secret, erase_wholly, everything
from tests.kit.jobs import job_of, working

BAD_ID = "IllegalCaseId: Bad case id"


@pytest.fixture(autouse=True)
def domains(store):
    """Make two domains; ``other`` has the case and the form that tests are about."""
    build.a_domain(store)
    build.a_domain(store, "other")
    create = build.a_create(update={"external_id": "x", "of": "other"})
    files = [build.a_file("photo.jpg", b"their face")]
    body = build.a_form([create, build.a_create("c2")], form_id="f")
    build.submit(store, body, attachments=files, domain="other")


@pytest.fixture
def theirs(store):
    """Return what tells whether the other domain is as it was."""
    before = build.dump(store, "other")
    return lambda: build.dump(store, "other") == before


def is_sound(store):
    """Prove both domains, and that a replay of one makes the same tables."""
    before = {
        domain: build.derived(store, domain) for domain in (build.DOMAIN, "other")
    }
    for domain, read in before.items():
        assert verify(store, domain).ok
        replay(store, domain)
        assert build.derived(store, domain) == read
    return True


def test_a_form_of_the_same_id_is_another_form(store, theirs):
    """It keeps its id, and makes a case that the other domain has too."""
    body = build.a_form([build.a_create(update={"of": "mine"})], form_id="f")
    receipt = build.submit(store, body)
    assert (receipt.kind, receipt.form_id) == (Kind.NORMAL, "f")
    assert build.case_of(store).properties == {"of": "mine"}
    assert theirs()
    assert is_sound(store)


def test_the_same_bytes_are_no_duplicate_and_no_edit(store, theirs):
    """Each domain knows its own forms alone."""
    body = build.a_form([build.a_create()], form_id="g")
    kinds = [
        build.submit(store, body, domain=domain).kind
        for domain in ("other", build.DOMAIN, build.DOMAIN)
    ]
    assert kinds == [Kind.NORMAL, Kind.NORMAL, Kind.DUPLICATE]
    edit = build.a_form([build.an_update(p="1")], form_id="f")
    assert build.submit(store, edit).kind is Kind.NORMAL


@pytest.mark.parametrize(
    "act",
    [
        lambda: build.a_submission(build.a_form([build.an_update(p="1")])),
        lambda: build.a_submission(build.a_form([build.a_block(close=True)])),
        lambda: build.changes(build.a_change(external_id="x")),
        lambda: build.changes(*(build.a_change(external_id=i) for i in ("x", "y"))),
    ],
    ids=["update", "close", "upsert", "bulk"],
)
def test_what_makes_a_case_makes_one_of_its_own(store, theirs, act):
    """By whatever door it comes, the other domain is as it was."""
    build.write(store, act())
    assert build.cases_of(store)
    assert theirs()
    assert is_sound(store)


@pytest.mark.parametrize("name", ["c1", "never"])
def test_nothing_tells_what_the_other_domain_has(store, theirs, name):
    """An id that is only there is answered as one that is nowhere."""
    index = build.a_form([build.a_block("mine", index={"parent": name})])
    problem = build.submit(store, index).problem
    assert problem is not None
    assert problem.replace(name, "ID") == (
        "InvalidCaseIndex: Case 'mine' references non-existent case 'ID'"
    )
    row = build.a_change(Intent.UPDATE, case_id=name, properties={"p": "1"})
    (refused,) = build.write(store, build.changes(row))
    assert name in refused.text
    assert refused.text.replace(name, "ID") == "No case found with ID 'ID'"
    (unknown,) = build.write(store, build.a_flag(name))
    assert unknown.text.replace(name, "ID") == "No case found with ID 'ID'"
    assert theirs()


async def test_an_undo_takes_back_what_one_domain_did(store, theirs):
    """The form of the same id in the other one stays in force."""
    build.submit(store, build.a_form([build.a_create()], form_id="f"))
    with store.writing(build.DOMAIN) as writer:
        job = enqueue_undo(
            writer,
            UndoRequest(form_id="f"),
            author=Author(user_id="root"),
            clock=build.FixedClock(),
        )
    async with working(store, HANDLERS) as worker:
        await worker.drain()
    assert job_of(store, job).problem is None
    assert build.case_of(store).deleted_on is not None
    assert theirs()
    assert is_sound(store)


def test_an_erasure_takes_the_case_of_one_domain(store, theirs):
    """Bytes, files and rows of the case with the same id in the other one stay."""
    photo = build.a_file("photo.jpg", b"my face")
    body = build.a_form([a_secret()], form_id="f")
    build.submit(store, body, attachments=[photo])
    erase_wholly(store, "c1")
    left = everything(store)
    assert b"scar on the left hand" not in left
    assert b"their face" in left
    assert theirs()
    assert build.case_of(store, "c1", "other").properties == {"of": "other"}
    assert is_sound(store)


def test_domains_with_the_same_ids_are_restored_as_they_were(store, tmp_path):
    """A domain that is not readable yet holds up nobody."""
    build.submit(store, build.a_form([build.a_create()], form_id="f"))
    before = {name: build.dump(store, name) for name in (build.DOMAIN, "other")}
    target = open_store(f"sqlite:///{tmp_path}/target.db")
    migrate(target)
    load(target, saved(store))
    replay(target, build.DOMAIN)
    # ``other`` has no read tables yet.
    new = build.submit(target, build.a_form([build.a_create("c2")], form_id="g"))
    assert new.kind is Kind.NORMAL
    replay(target, "other")
    assert build.dump(target, "other") == before["other"]
    assert is_sound(target)
    target.close()


def test_a_verdict_of_an_older_release_stays_until_it_is_judged_again(store):
    """Law 3: a replay keeps the error; processing the form again, it succeeds."""
    body = build.a_form([build.an_update(p="1")], form_id="old")
    _keep_as_error(store, body)
    assert is_sound(store)
    assert build.forms_of(store)["old"].state == "error"
    assert build.cases_of(store) == {}
    (done,) = build.act(store, Kind.REPROCESS, "old")
    assert (done.changed, done.state) == (True, "normal")
    assert build.case_of(store).properties == {"p": "1"}
    assert is_sound(store)


def test_the_same_bytes_again_judge_the_error_of_an_older_release_anew(store):
    """Rule 13.4: the device that still has the form need not do anything else."""
    body = build.a_form([build.an_update(p="1")], form_id="old")
    _keep_as_error(store, body)
    assert build.submit(store, body).kind is Kind.DUPLICATE
    assert build.forms_of(store)["old"].state == "normal"


def _keep_as_error(store, body):
    """Append a form with the verdict that ids of another domain once had."""

    class Kept:
        size = 0

        def needs(self):
            return build.a_submission(body).needs()

        def run(self, session):
            problem = Rejected("IllegalCaseId", "Bad case id").problem
            assert problem == BAD_ID
            draft = Draft(
                Kind.ERROR, "old", body=body, xmlns=build.XMLNS, problem=problem
            )
            return session.append(draft)

    build.write(store, Kept())
