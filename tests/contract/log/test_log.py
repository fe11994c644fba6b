"""The log on both databases: positions, times, chain, bodies (rules/design.md 2)."""

from __future__ import annotations

import hashlib

import pytest

from ledger import bodies, log
from ledger.entry import Kind
from ledger.errors import NotFound
from tests.kit import build
from tests.kit.intruder import breaks, intrude

FAR = 10_000


@pytest.fixture
def domain(store):
    return build.a_domain(store)


def entries(store, domain=build.DOMAIN):
    with store.snapshot(domain) as reader:
        return log.entries_after(reader, 0, limit=FAR)


def test_a_portion_ends_where_its_bytes_or_entries_do(store, domain):
    """It has one entry at least; behind the last there is none."""
    forms = [build.a_form([build.an_update(text="x" * n)]) for n in (10, 900, 10)]
    build.write(store, *map(build.a_submission, forms))
    lengths = [entry.body_length for entry, _ in entries(store)][1:]
    assert lengths == [len(form) for form in forms]
    with store.snapshot(domain) as reader:

        def end(position, limit, most_bytes):
            return log.portion_end(reader, position, limit=limit, most_bytes=most_bytes)

        assert [end(0, limit, FAR) for limit in (1, 3, 4, 9)] == [1, 3, 4, 4]
        assert end(1, 9, sum(lengths)) == 4
        assert end(1, 9, sum(lengths) - 1) == 3
        assert end(1, 9, lengths[0]) == 2
        assert end(2, 9, 1) == 3
        assert end(4, 9, FAR) == 4


def test_positions_are_gapless_and_times_rise(store, domain):
    """Entries follow each other without a gap, each later than the one before.

    Also when the clock stands still, jumps ahead or goes back (rule 2.4).
    """
    clock = build.FixedClock()
    for passed in (0, 0, 10_000_000, -20_000_000, 0, 5):
        clock.now += passed
        forms = [build.a_form([build.a_create(f"c{n}") for n in range(3)])]
        commands = [build.a_submission(form) for form in [*forms, *forms, b"<no"]]
        build.write(store, *commands, clock=clock)
    found = [entry for entry, _ in entries(store)]
    assert [entry.position for entry in found] == list(range(1, 20))
    times = [entry.appended_on for entry in found]
    assert times == sorted(set(times))
    assert breaks(store) == []


def test_indexed_on_is_distinct_per_case_and_the_next_form_starts_behind(store, domain):
    """A form that touches n cases takes n consecutive microseconds (rule 2.5)."""
    clock = build.FixedClock()
    for _ in range(3):
        touches = [build.a_create(f"c{number}") for number in range(5)]
        build.submit(store, build.a_form(touches), clock=clock)
    build.submit(store, build.a_form([build.a_create("last")]), clock=clock)
    found = sorted(case.indexed_on for case in build.cases_of(store).values())
    first = entries(store)[-2][0].appended_on
    assert found == [first + place for place in range(6)]


def test_a_body_comes_back_byte_for_byte(store, domain):
    """Whatever arrives is kept as it came, malformed bytes too."""
    forms = [build.a_form([build.a_create()]), b"", b"\xff\x00<a", b"<a>" * 5000]
    for form in forms:
        build.submit(store, form)
    found = entries(store)[1:]
    assert [body for _, body in found] == forms
    digests = [hashlib.sha256(form).digest() for form in forms]
    assert [entry.body_sha256 for entry, _ in found] == digests
    assert [entry.body_length for entry, _ in found] == [len(form) for form in forms]


def test_bodies_are_readable_across_dictionaries(store, domain):
    """Bodies from before and after a dictionary was trained are read alike."""
    forms = [build.a_form([build.an_update(f"c{n}", x=str(n))]) for n in range(100)]
    build.write(store, *map(build.a_submission, forms))
    with store.writing(domain) as writer:
        assert bodies.add_dictionary(writer)
    later = [build.a_form([build.an_update(f"d{n}", x=str(n))]) for n in range(10)]
    build.write(store, *map(build.a_submission, later))
    assert [body for _, body in entries(store)[1:]] == forms + later
    assert {row[2] for row in build.dump(store)["bodies"]} == {0, 1}
    assert breaks(store) == []


def test_a_form_keeps_its_attachments_once_by_digest(store, domain):
    """Equal files of several forms are one blob, and each entry names it."""
    for _ in range(2):
        build.submit(
            store,
            build.a_form([build.a_create()]),
            attachments=[build.a_file(), build.a_file("copy.jpg")],
        )
    last = entries(store)[-1][0]
    assert [found.name for found in last.attachments] == ["photo.jpg", "copy.jpg"]
    with store.snapshot(domain) as reader:
        content = bodies.get_blob(reader, last.attachments[0].sha256)
    assert content == build.a_file().content
    assert len(build.dump(store)["blobs"]) == 1


def test_a_directory_change_is_an_entry_of_the_chain(store, domain):
    """Who changed the directory stands in the log (rule 2.6)."""
    with store.writing(domain) as writer:
        log.record_directory(writer, "user added", {"x": 1}, user_id="root", now=5)
    entry = entries(store)[-1][0]
    assert entry.kind is Kind.DIRECTORY
    assert entry.details == {"action": "user added", "x": 1}
    assert breaks(store) == []


def test_a_write_that_fails_leaves_the_head_where_it_was(store, domain):
    """What is raised inside a write takes everything back."""
    before = build.dump(store)
    with pytest.raises(KeyError, match="after"), store.writing(domain) as writer:
        _fail_after_a_submission(writer)
    assert build.dump(store) == before
    build.submit(store, build.a_form([build.a_create()]))
    assert breaks(store) == []


@pytest.mark.parametrize("open_it", ["reading", "snapshot", "writing"])
def test_an_unknown_domain_is_named(store, domain, open_it):
    with (
        pytest.raises(NotFound, match="No domain with name nowhere"),
        getattr(store, open_it)("nowhere"),
    ):
        pass


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("kind", "'error'"),
        ("form_id", "'other'"),
        ("problem", "'x'"),
        ("user_id", "'x'"),
        ("received_on", "received_on + 1"),
        ("appended_on", "appended_on + 1"),
        ("form_position", "1"),
        ("xmlns", "'x'"),
        ("details", "'{\"a\":1}'"),
        ("body_length", "body_length + 1"),
        ("orig_form_id", "'x'"),
    ],
)
def test_chain_verifies_and_tells_what_was_altered(store, domain, column, value):
    """A header that somebody altered behind our back is found."""
    _some_forms(store)
    assert breaks(store) == []
    intrude(
        store,
        "entries",
        f"UPDATE entries SET {column} = {value} WHERE position = 3",  # noqa: S608
    )
    assert {3} <= {place for place, _ in breaks(store)} <= {3, 4}


@pytest.mark.parametrize(
    ("table", "order", "position"),
    [
        ("entries", "DELETE FROM entries WHERE position = 3", 3),
        ("entries", "DELETE FROM entries WHERE position >= 4", 4),
        ("bodies", "DELETE FROM bodies WHERE position = 3", 3),
        ("bodies", "UPDATE bodies SET body = substr(body, 2) WHERE position = 3", 3),
        (
            "bodies",
            (
                "UPDATE bodies SET body = (SELECT b.body FROM bodies b WHERE "
                "b.position = 2) WHERE position = 3"
            ),
            3,
        ),
        ("domains", "UPDATE domains SET position = 3", 3),
    ],
)
def test_what_is_missing_or_swapped_is_found(store, domain, table, order, position):
    """A removed entry, a lost tail, a damaged or swapped body: each is named."""
    _some_forms(store)
    intrude(store, table, order)
    assert position in [place for place, _ in breaks(store)]


def _fail_after_a_submission(writer):
    build.a_ledger().process(writer, [build.a_submission()])
    raise KeyError("after")


def _some_forms(store):
    for number in range(4):
        build.submit(store, build.a_form([build.a_create(f"c{number}")]))
