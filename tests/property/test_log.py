"""Laws of the log and the read tables that hold for any script of submissions."""

from __future__ import annotations

import random
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger import ids, log
from ledger.entry import Kind
from ledger.migrations import migrate
from ledger.proof import chain as proof
from ledger.store import open_store
from projections.rebuild.verify import verify
from tests.kit import build, strategies

_DOMAINS = count(1)
_LATE = st.sampled_from((None, None, -3_600_000_000, 0))
_SCRIPT = st.lists(st.tuples(strategies.forms(), _LATE), min_size=1, max_size=8)
FEW = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


def submission(form, late, *, prefix, now=build.NOW):
    """Return the command of a described form."""
    return build.a_submission(
        strategies.body_of(form, prefix),
        submit_time=None if late is None else now + late,
        attachments=[build.a_file(name) for name in form["files"]],
    )


@pytest.fixture
def both(sqlite_url, postgresql_url):
    """Open a store on either database."""
    stores = [open_store(url) for url in (sqlite_url, postgresql_url)]
    for store in stores:
        migrate(store)
    yield stores
    for store in stores:
        store.close()


def test_databases_agree(both):
    """The same script with the same clock and ids leaves the same rows in both."""

    @FEW
    @given(_SCRIPT, st.lists(strategies.rows(), max_size=3), st.integers(1, 4))
    def agree(script, rows, together):
        dumps = []
        # Case ids are unique over the installation, so each example has its own.
        domain = f"d{next(_DOMAINS)}"
        for store in both:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(ids, "urandom", seeded())
                patch.setattr(ids, "now_micros", lambda: build.NOW)
                build.a_domain(store, domain)
                clock = build.FixedClock()
                for form, late in script:
                    command = submission(form, late, prefix=domain)
                    build.write(store, command, domain=domain, clock=clock)
                wishes = [
                    build.a_change(
                        external_id=f"y{place}",
                        row=place,
                        properties=row["properties"],
                        close=row["close"],
                    )
                    for place, row in enumerate(rows, 1)
                ]
                command = build.changes(*wishes)
                build.write(store, command, domain=domain, clock=clock)
            dumps.append(build.dump(store, domain))
        ours, theirs = dumps
        assert ours.keys() == theirs.keys()
        for table in ours:
            assert ours[table] == theirs[table], table

    agree()


def test_resubmission_changes_nothing(store):
    """Any forms, sent all over again: every read table but that of forms is as it was.

    An error may turn into a form when its cause is gone, so only the forms that
    stayed what they were are sent again.
    """

    @FEW
    @given(_SCRIPT)
    def again(script):
        domain = f"d{next(_DOMAINS)}"
        build.a_domain(store, domain)
        clock = build.FixedClock()
        for form, late in script:
            command = submission(form, late, prefix=domain)
            build.write(store, command, domain=domain, clock=clock)
        before = build.dump(store, domain)
        states = {row[1]: row[4] for row in before["forms"]}
        normal = [
            (form, late)
            for form, late in script
            if states.get(strategies.named(form["form_id"], domain)) == "normal"
        ]
        for form, late in normal:
            command = submission(form, late, prefix=domain)
            build.write(store, command, domain=domain, clock=clock)
        after = build.dump(store, domain)
        for table in set(after) - {"entries", "bodies", "blobs", "forms"}:
            if all(form["xmlns"] == build.XMLNS for form, _ in normal):
                assert after[table] == before[table], table

    again()


def test_a_commit_of_many_is_the_same_as_many_commits(store):
    """Group commit changes who waits for whom, never what becomes of a form."""

    @FEW
    @given(_SCRIPT)
    def same(script):
        found = []
        for together in (1, len(script)):
            domain = f"d{next(_DOMAINS)}"
            build.a_domain(store, domain)
            commands = [submission(form, late, prefix=domain) for form, late in script]
            clock, receipts = build.FixedClock(), []
            for first in range(0, len(commands), together):
                part = commands[first : first + together]
                receipts += build.write(store, *part, domain=domain, clock=clock)
            told = [
                (receipt.kind, plain_problem(receipt, domain))
                for receipt in receipts
                if receipt.kind is not Kind.DUPLICATE
            ]
            # The last two columns hold ids, which begin with the domain.
            kept = [row[2:-2] for row in build.dump(store, domain)["cases"]]
            found.append((told, kept))
            assert verify(store, domain).ok
        (told, kept), (told_together, kept_together) = found
        assert told == told_together
        assert kept == kept_together

    same()


def test_chain_verifies(store):
    """Whatever is written, the chain proves itself and positions are gapless."""

    @FEW
    @given(_SCRIPT)
    def proves(script):
        domain = f"d{next(_DOMAINS)}"
        build.a_domain(store, domain)
        commands = [submission(form, late, prefix=domain) for form, late in script]
        build.write(store, *commands, domain=domain)
        with store.snapshot(domain) as reader:
            assert list(proof.verify_chain(reader)) == []
            found = [e.position for e, _ in log.entries_after(reader, 0, limit=99)]
        assert found == list(range(1, len(found) + 1))

    proves()


def plain_problem(receipt, domain):
    """Return a receipt's problem without the ids that are different in each run."""
    text = receipt.problem or ""
    return text.replace(receipt.form_id, "ID").replace(f"{domain}-", "")


def seeded():
    """Return a maker of random bytes that are the same in every run."""
    source = random.Random(4)
    return source.randbytes
