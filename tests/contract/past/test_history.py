"""Which form set a value: of those in force, whatever became of the others."""

from __future__ import annotations

import sys

import pytest

from ledger.entry import Kind
from ledger.errors import NotFound
from projections.past.history import diff, history, now, why
from projections.past.timeline import as_of, touches
from projections.rule.fold import apply_form
from tests.kit import build
from tests.kit.build import NOW

HOUR = 3_600_000_000


class Story:
    """A domain in which one thing happens after the other, a second apart."""

    def __init__(self, store):
        """Begin a domain."""
        self.store = store
        self.clock = build.FixedClock()
        build.a_domain(store)

    def do(self, command):
        """Run a command a second later."""
        self.clock.now += 1_000_000
        [outcome] = build.write(self.store, command, clock=self.clock)
        assert not isinstance(outcome, Exception), outcome
        return self.clock.now

    def form(self, form_id, *blocks, **more):
        """Submit a form."""
        body = build.a_form(blocks, form_id=form_id)
        return self.do(build.a_submission(body, **more))

    def act(self, kind, *form_ids):
        """Archive a form, or do something else to it."""
        return self.do(build.an_act(kind, *form_ids))

    def read(self, fn):
        """Read at one moment."""
        with self.store.snapshot(build.DOMAIN) as reader:
            return fn(reader)

    def why(self, name, case_id="c1"):
        """Ask for what set a value."""
        return self.read(lambda r: why(r, case_id, name))


@pytest.fixture
def story(store):
    """Begin with a case whose risk three forms set."""
    begun = Story(store)
    begun.form("f1", build.a_create("c1", update={"risk": "low", "pulse": "70"}))
    begun.form("f2", build.an_update(risk="high"))
    begun.form("f3", build.an_update(risk="none"))
    return begun


def setters(found):
    """Return value, setting form and earlier forms in short."""
    by = found.set_by.form_id if found.set_by else None
    return found.value, by, [step.form_id for step in found.earlier]


def entries(found):
    """Return the entries that changed a value in short, the latest first."""
    return [
        (s.kind, s.form_id, s.changes[0].old, s.changes[0].new) for s in found.entries
    ]


def test_the_form_that_set_a_value_is_named_with_those_before(story):
    """Each with what it changed alone, the latest first."""
    found = story.why("risk")
    assert setters(found) == ("none", "f3", ["f2", "f1"])
    assert [step.changes[0].old for step in found.earlier] == ["low", None]
    assert entries(found) == [
        ("normal", "f3", "high", "none"),
        ("normal", "f2", "low", "high"),
        ("normal", "f1", None, "low"),
    ]


def test_a_form_that_says_the_same_again_set_nothing(story):
    """What counts is who made the value what it is."""
    story.form("f4", build.an_update(risk="none"))
    assert setters(story.why("risk")) == ("none", "f3", ["f2", "f1"])


def test_an_archived_form_set_nothing(story):
    """The value comes from a form before it, and the log tells why."""
    story.act(Kind.ARCHIVE, "f3")
    found = story.why("risk")
    assert setters(found) == ("high", "f2", ["f1"])
    assert entries(found)[0] == ("archive", "f3", "none", "high")
    story.act(Kind.UNARCHIVE, "f3")
    assert setters(story.why("risk")) == ("none", "f3", ["f2", "f1"])


def test_a_form_between_others_that_is_archived_changes_no_value(story):
    """But it is no longer among the earlier ones."""
    story.act(Kind.ARCHIVE, "f2")
    found = story.why("risk")
    assert setters(found) == ("none", "f3", ["f1"])
    assert found.set_by.changes[0].old == "low"
    assert [kind for kind, *_ in entries(found)] == ["normal"] * 3


def test_an_edited_form_set_what_its_new_version_says(story):
    """In its old place in the fold."""
    story.form("f3", build.an_update(risk="medium"))
    found = story.why("risk")
    assert setters(found) == ("medium", "f3", ["f2", "f1"])
    assert (found.set_by.kind, found.set_by.changes[0].old) == ("edit", "high")
    assert entries(found)[0] == ("edit", "f3", "none", "medium")
    story.form("f3", build.an_update(pulse="80"))
    assert setters(story.why("risk")) == ("high", "f2", ["f1"])


def test_a_late_form_stands_where_it_belongs(story):
    """A form received before others is overruled by them (rules/case-xml.md D-2)."""
    story.form("late", build.an_update(risk="old", mood="good"), submit_time=NOW + 1)
    found = story.why("risk")
    assert setters(found) == ("none", "f3", ["f2", "f1", "late"])
    assert "late" not in [form_id for _, form_id, *_ in entries(found)]
    assert setters(story.why("mood")) == ("good", "late", [])


def test_a_value_that_no_form_in_force_set_is_none(story):
    """The log still tells who did, and who took it away."""
    story.form("f4", build.an_update(mood="good"))
    story.act(Kind.FORM_DELETE, "f4")
    found = story.why("mood")
    assert setters(found) == (None, None, [])
    assert entries(found) == [
        ("form_delete", "f4", "good", None),
        ("normal", "f4", None, "good"),
    ]


def test_a_deletion_was_no_form(story):
    """The case's own flag is changed by entries alone."""
    story.do(build.a_flag("c1"))
    found = story.why("deleted_on")
    assert (found.set_by, found.earlier) == (None, ())
    assert [(s.kind, s.form_id) for s in found.entries] == [("case_delete", "")]


def test_fields_indices_and_attachments_have_reasons(story):
    """Each under its own name, with all its parts."""
    story.form("f4", build.a_create("c2"))
    block = build.a_block(
        "c1",
        update={"owner_id": "north"},
        index={"host": ("c2", "patient", "extension")},
        attach={"photo": {"src": "photo.jpg", "from": "local"}},
    )
    story.form("f5", block, attachments=[build.a_file()])
    story.form("f6", build.a_block("c1", index={"host": ("c2", "patient", "child")}))
    assert setters(story.why("owner_id")) == ("north", "f5", ["f1"])
    index = {"case_id": "c2", "case_type": "patient", "relationship": "child"}
    assert setters(story.why("indices.host")) == (index, "f6", ["f5"])
    assert story.why("attachments.photo").value["source"] == "photo.jpg"
    story.form("f7", build.a_block("c1", index={"host": ""}))
    assert setters(story.why("indices.host")) == (None, "f7", ["f6", "f5"])


def test_a_bare_name_is_a_field_and_else_a_property(story):
    """``properties.NAME`` is always a property."""
    story.do(build.changes(build.a_change(case_id="c1", properties={"closed": "no"})))
    assert story.why("closed").name == "closed"
    assert story.why("properties.closed").value == "no"
    assert story.why("risk").name == story.why("properties.risk").name
    story.do(
        build.changes(build.a_change(case_id="c1", properties={"location_id": "x"}))
    )
    assert story.why("location_id").name == "properties.location_id"


@pytest.mark.parametrize("name", ["nothing", "indices.host", "location_id", "\0", ""])
def test_a_value_that_never_was_has_no_reason(story, name):
    """It is told in one clear line."""
    with pytest.raises(NotFound, match="Case 'c1' never had a property '"):
        story.why(name)


@pytest.mark.parametrize("case_id", ["nobody", "", "\0", "\ud800"])
def test_a_case_that_never_was_has_no_history(story, case_id):
    """Also when its id is one that no database can hold."""
    for ask in (
        lambda r: history(r, case_id),
        lambda r: why(r, case_id, "risk"),
        lambda r: as_of(r, case_id, NOW),
        lambda r: diff(r, case_id, start=0, end=NOW),
    ):
        with pytest.raises(NotFound):
            story.read(ask)


def test_a_case_without_a_form_in_force_has_no_values(story):
    """Its history says which entry took them, and gives them back with the form."""
    story.act(Kind.ARCHIVE, "f1", "f2", "f3")
    last = story.read(lambda r: history(r, "c1"))[-1]
    lost = {change.name: change.new for change in last.changes}
    assert lost.pop("deleted_on") is not None
    assert lost["owner_id"] is None
    assert set(lost.values()) == {None}


def test_a_history_folds_each_form_once(store):
    """Also one in which every form came late, and every second one was archived."""
    story, forms = Story(store), 60
    for place in range(forms):
        when = NOW + HOUR - place // 2 if place % 2 else NOW + place
        story.form(
            f"f{place}", build.a_create(update={"n": str(place)}), submit_time=when
        )
    plain = Story.__new__(Story)
    plain.store, plain.clock = store, story.clock
    plain.form("p0", build.a_create("c2"))
    for place in range(1, forms):
        plain.form(f"p{place}", build.an_update("c2", n=str(place)))
    assert story.read(lambda r: folds(r, "c2")) == forms
    assert story.read(lambda r: folds(r, "c1")) <= forms * (forms // 2 + 2)


def test_what_stands_before_a_late_form_is_not_folded_again(store):
    """A case to which every form came a little late costs but twice another."""
    story, forms = Story(store), 60
    for place in range(forms):
        # Two by two the other way round.
        when = NOW + 10 * (place ^ 1)
        story.form(
            f"f{place}", build.a_create(update={"n": str(place)}), submit_time=when
        )
    assert story.read(lambda r: folds(r, "c1")) <= 2 * forms


def folds(reader, case_id) -> int:
    """Return how often a form is applied while the past of a case is walked."""
    called = 0

    def note(frame, event, _argument):
        nonlocal called
        called += event == "call" and frame.f_code is apply_form.__code__

    sys.setprofile(note)
    try:
        walked = list(touches(reader, case_id))
    finally:
        sys.setprofile(None)
    assert walked[-1].after == now(reader, case_id)
    return called
