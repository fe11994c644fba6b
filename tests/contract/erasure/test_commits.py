"""An erasure among other writes: neighbours in its commit, other processes, rollbacks.

Every promise holds on both databases.
"""

from __future__ import annotations

import pytest

from ledger.bodies import add_dictionary
from ledger.directory.users import create_user
from ledger.entry import Kind
from ledger.erasure.erase import EraseCases
from ledger.erasure.repacking import Repack
from ledger.errors import Conflict
from ledger.store import open_store
from ledger.submit import Needs, WantsOwnCommit
from tests.kit import build
from tests.kit.erasing import (
    ADMIN,
    SECRET,
    a_secret,
    erase,
    erase_wholly,
    everything,
    is_gone,
    is_sound,
    repack,
)


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


def test_an_erasure_wants_a_commit_that_nobody_has_begun(store):
    """Forms that were read before it would be folded as they were."""
    build.submit(store, build.a_form([a_secret()], form_id="f1"))
    rejected = build.a_form([a_secret(index={"p": "no"})], form_id="f2")
    build.submit(store, rejected)
    again = build.an_act(Kind.REPROCESS, "f2", strict=False)
    command = EraseCases(case_ids=("c1",), author=ADMIN, reason="asked")
    problem, _ = build.write(store, again, command)
    assert problem[0].problem
    assert is_gone(store)
    assert is_sound(store)
    with pytest.raises(WantsOwnCommit):
        build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE), command)


def test_a_case_is_asked_for_that_nobody_knows(store):
    """Then nothing is erased, of the others neither."""
    build.submit(store, build.a_form([a_secret()]))
    assert isinstance(erase(store, "c1", "stranger"), Conflict)
    assert SECRET.encode() in everything(store)


@pytest.fixture
def trained(store):
    """Fill a log so that its dictionary knows the secret."""
    for place in range(100):
        build.submit(
            store, build.a_form([build.an_update("c1", m=f"{SECRET} {place}")])
        )
    with store.writing(build.DOMAIN) as writer:
        assert add_dictionary(writer)
    build.submit(store, build.a_form([build.a_create("c2", update={"n": "1"})]))


def test_another_process_does_not_go_on_with_a_dictionary_that_goes(store, trained):
    """It has met the old one and would compress with it after it was dropped."""
    other = open_store(store.url)
    build.submit(other, build.a_form([build.an_update("c2", n="2")]))
    erase_wholly(store, "c1")
    build.submit(other, build.a_form([build.an_update("c2", n="3")]))
    other.close()
    store.connection.codecs = None
    assert is_gone(store)
    assert is_sound(store)


def test_another_process_can_do_the_rest(store, trained):
    """Its own idea of the latest dictionary may be the one that must go."""
    other = open_store(store.url)
    build.submit(other, build.a_form([build.an_update("c2", n="2")]))
    erased = erase(store, "c1")
    repack(other, erased.stale)
    other.close()
    store.connection.codecs = None
    assert erased.stale
    assert is_gone(store)
    assert is_sound(store)


class Broken(Exception):
    """What no command should raise."""


class Fails:
    """A command that breaks its commit."""

    size = 0

    def needs(self):
        """Look up nothing."""
        return Needs()

    def run(self, session):
        """Wait until everything else is written."""
        session.also.append(self)

    def __call__(self, _writer):
        """Break."""
        raise Broken


def test_a_dictionary_that_was_rolled_back_is_forgotten(store, trained):
    """Or the next bodies would be compressed with one that no database holds."""
    command = EraseCases(case_ids=("c1",), author=ADMIN, reason="asked")
    follower = build.a_submission(build.a_form([build.an_update("c2", n="5")]))
    with pytest.raises(Broken):
        build.write(store, command, follower, Fails())
    assert SECRET.encode() in everything(store)
    for place in range(100):
        block = build.an_update("c2", other=f"words for another dictionary {place}")
        build.submit(store, build.a_form([block]))
    erase_wholly(store, "c1")
    build.submit(store, build.a_form([build.an_update("c2", n="6")]))
    store.connection.codecs = None
    assert is_gone(store)
    assert is_sound(store)


def test_two_erasures_may_be_repacked_at_the_same_time(store, trained):
    """Whichever comes first, no body loses its dictionary."""
    build.submit(store, build.a_form([build.a_create("c3", update={"x": SECRET})]))
    first, second = erase(store, "c1"), erase(store, "c3")
    assert build.write(store, Repack(stale=first.stale, after=0, most=40)) == [40]
    repack(store, second.stale)
    repack(store, first.stale)
    assert is_gone(store)
    assert is_sound(store)


def test_users_may_be_made_beside_it(store, trained):
    """Other entries of the log take the new dictionary as well."""
    with store.writing(build.DOMAIN) as writer:
        create_user(writer, "ann", role="admin", password=None, author=ADMIN)
    erase_wholly(store, "c1")
    build.submit(store, build.a_form([build.an_update("c2", n="9")]))
    assert is_sound(store)
