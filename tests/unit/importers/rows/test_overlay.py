"""What rows have left, for the rows behind them."""

from __future__ import annotations

from importers.rows.rules.overlay import Overlay, View


def test_what_was_left_last_counts():
    overlay = Overlay()
    overlay.note("a", "old", keys=[("name", "x")])
    overlay.note("a", "new", keys=[("name", "y")])
    assert overlay.get("a") == "new"
    assert overlay.get("b") is None


def test_ids_stay_under_keys_that_are_no_longer_theirs():
    """Whoever asks looks at the thing: an index only says where to look."""
    overlay = Overlay()
    overlay.note("a", "old", keys=[("name", "x")])
    overlay.note("b", "one", keys=[("name", "x"), ("code", "x")])
    overlay.note("a", "new", keys=[("name", "y")])
    assert list(overlay.ids(("name", "x"))) == ["a", "b"]
    assert list(overlay.ids(("code", "x"))) == ["b"]
    assert list(overlay.ids(("name", "y"))) == ["a"]
    assert list(overlay.ids(("code", "y"))) == []


def test_a_layer_hides_what_is_below_and_leaves_it_as_it_is():
    """A command that is run again begins with what it began with."""
    below = Overlay()
    below.note("a", "below", keys=[("name", "x")])
    below.note("b", "below", keys=[("name", "x")])
    above = Overlay(below)
    above.note("a", "above", keys=[("name", "x")])
    above.note("c", "above", keys=[("name", "x")])
    assert [above.get(i) for i in "abc"] == ["above", "below", "above"]
    assert list(above.ids(("name", "x"))) == ["a", "c", "a", "b"]
    assert (below.get("a"), below.get("c")) == ("below", None)


def test_taking_a_layer_takes_what_is_its_own_as_it_is_at_last():
    below = Overlay()
    below.note("a", "below", keys=[("name", "x")])
    above = Overlay(below)
    above.note("b", "old", keys=[("name", "x")])
    above.note("b", "new", keys=[("name", "y")])
    taken = Overlay()
    taken.take(above)
    assert (taken.get("a"), taken.get("b")) == (None, "new")
    assert list(taken.ids(("name", "x"))) == []
    assert list(taken.ids(("name", "y"))) == ["b"]


def test_a_view_prefers_what_rows_have_left():
    known = Overlay()
    known.note("a", "left", keys=())
    view = View(known, {"a": "stored", "b": "stored"}.get)
    assert [view.get(i) for i in "abc"] == ["left", "stored", None]
    view.left.note("b", "left now", keys=())
    assert view.get("b") == "left now"
    assert known.get("b") is None


def test_what_only_says_where_to_look_is_looked_at_where_it_is_stored():
    """As in a real run, of which the session has folded the forms."""
    view = View(Overlay(), {"a": "folded"}.get)
    view.left.note("a", None, keys=[("name", "x")])
    assert list(view.left.ids(("name", "x"))) == ["a"]
    assert view.get("a") == "folded"


def test_those_that_are_wanted_come_once_and_as_they_are_now():
    view = View(Overlay(), {"a": "x1", "b": "y1", "c": "x1"}.get)
    view.left.note("c", "x2", keys=())
    found = view.those(["c", "a", "b", "c", "d"], lambda one: one.startswith("x"))
    assert found == ["x2", "x1"]
