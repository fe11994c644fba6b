"""The change feed is the log, however it is cut into pages."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.wire.entries import cursor_at, parse_cursor
from api.wire.problems import Problem
from ledger import log
from ledger.entry import Kind
from projections.feed import pages as feed
from projections.feed.pages import changes_at, read_changes
from tests.kit import build, strategies

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def fill(store):
    """Append forms good and bad, large and small, changes, deletions and repeats."""
    build.a_domain(store)
    whole = build.a_form([build.a_create(f"c{n}") for n in range(30)], form_id="large")
    for body in (whole, b"no form", build.a_form([build.a_block("")]), whole):
        build.submit(store, body)
    for number in range(20):
        blocks = [
            build.an_update(f"c{number + n}", p="x" * 50) for n in range(number % 3)
        ]
        build.submit(store, build.a_form(blocks))
    build.write(store, build.a_flag("c1", "c2"))
    build.write(store, build.changes(build.a_change(external_id="x")))
    build.write(store, build.a_flag("c1", kind=Kind.CASE_RESTORE))


def test_pages_cover_everything_once(store):
    """Any limits, any bounds of a page: joined they are the log, on both databases."""
    fill(store)
    with store.snapshot(build.DOMAIN) as reader:
        whole = [entry for entry, _ in log.entries_after(reader, 0, limit=1000)]
        told = read_changes(reader, 0, limit=1000).changes

    @FEW
    @given(
        limits=st.lists(st.integers(1, 9), min_size=1),
        text=st.integers(1, 5000),
        xml=st.integers(1, 5000),
        chunk=st.integers(1, 10),
    )
    def covered(limits, text, xml, chunk):
        found, turn, more = [], 0, True
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(feed, "MOST_TEXT", text)
            patch.setattr(feed, "MOST_XML", xml)
            patch.setattr(feed, "AT_ONCE", chunk)
            while more:
                after = found[-1].entry.position if found else 0
                limit = limits[turn % len(limits)]
                with store.snapshot(build.DOMAIN) as reader:
                    page = read_changes(reader, after, limit=limit)
                assert 0 < len(page.changes) <= limit
                found += page.changes
                turn, more = turn + 1, page.more
        assert tuple(found) == told
        assert [change.entry for change in found] == whole

    covered()


def test_the_feed_names_every_case_that_a_script_left(store):
    """Whoever reads the cases that were named has every case there is."""
    build.a_domain(store)

    @FEW
    @given(strategies.forms())
    def named(form):
        build.submit(store, strategies.body_of(form, "p"))
        with store.snapshot(build.DOMAIN) as reader:
            changes = read_changes(reader, 0, limit=10_000).changes
            last = changes[-1]
            assert (
                changes_at(reader, [last.entry.position])[last.entry.position] == last
            )
        ids = {case_id for change in changes for case_id in change.case_ids}
        assert ids == set(build.cases_of(store))

    named()


@given(st.text(min_size=1), st.integers(0, 2**62), st.binary(min_size=32, max_size=32))
def test_a_cursor_fits_its_own_place_only(domain, position, digest):
    """It reads back as it was, and is of one domain and one history."""
    domain = domain.encode("utf-8", "replace").decode()
    cursor = cursor_at(domain, position, digest)
    assert parse_cursor(cursor.text) == cursor
    assert cursor.fits(domain, digest)
    assert not cursor.fits(domain + "x", digest)
    assert not cursor.fits(domain, digest[::-1] + b"x")


@given(st.text(max_size=40))
def test_no_text_is_more_than_a_bad_cursor(text):
    """Whatever a client sends is read or refused, never a defect."""
    with suppress(Problem):
        assert parse_cursor(text).position >= 0
