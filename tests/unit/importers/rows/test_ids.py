"""Ids as rows write them, and the ids that they may mean."""

from __future__ import annotations

import pytest

from importers.rows.rules.ids import (
    as_seen,
    escaped,
    forms_of,
    look_up,
    look_up_as_seen,
    trimmed,
)

NFC, NFD = "Zo\u00eb", "Zoe\u0308"


def among(*stored):
    """Return a look-up over ids that are found letter for letter."""
    return lambda asked: [one for one in stored if one == asked]


@pytest.mark.parametrize(("asked", "stored"), [(NFC, NFD), (NFD, NFC)])
def test_an_id_is_found_composed_either_way(asked, stored):
    """What is stored in another form is found, and told apart by its text."""
    found = look_up(asked, among(stored))
    assert (found.those, found.stored_as) == ([stored], stored)


def test_the_very_text_goes_first():
    """Two ids that differ in form alone stay two."""
    assert look_up(NFC, among(NFC, NFD)).stored_as == NFC
    assert look_up(NFD, among(NFC, NFD)).stored_as == NFD


@pytest.mark.parametrize(
    "asked", ["y2 ", "y2\u200b", "\ufeffy2", "\u00a0y2", "y\u00ad2", "y2\t\n"]
)
def test_an_id_is_looked_up_as_people_see_it(asked):
    """Blanks at the ends, zero-width and soft characters."""
    assert look_up(asked, among("y2")).those == ()
    assert look_up_as_seen(asked, among("y2")).those == ["y2"]
    assert look_up_as_seen("y2", among("y2")).those == ()


def test_every_text_that_may_be_looked_up_is_known_before():
    """What the look-ups ask for is loaded in one go."""
    for text in ("y2", "y2 ", NFC, f"{NFD}\u200b", "a\u00a0b", " "):
        asked = []
        look_up(text, lambda one, asked=asked: asked.append(one) or [])
        look_up_as_seen(text, lambda one, asked=asked: asked.append(one) or [])
        assert set(asked) <= forms_of(text)


def test_blanks_inside_an_id_are_seen():
    """``a b`` with a no-break space looks like ``a b``; the two blanks stay."""
    assert as_seen("a\u00a0 b") == "a  b"
    assert trimmed("\u200b a\x00b\u00a0") == "a\x00b"


def test_what_nobody_sees_is_escaped():
    """A report shows what is wrong with an id."""
    assert escaped("y 2\u200b\u00a0é") == "y 2\\u200b\\u00a0é"
