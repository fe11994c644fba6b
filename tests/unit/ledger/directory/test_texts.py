"""Names of people and places, without a database.

The rules are those of rules/hq-apis.md 6, 10 and 11.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.directory.profiles import Profile, profile_text, read_profile
from ledger.directory.texts import checked_text, slug, without_case
from ledger.directory.usernames import (
    check_worker_name,
    names_meant,
    owners_meant,
    worker_name,
)
from ledger.errors import Conflict


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("North East", "north_east"),
        ("  Léogâne\t2 ", "leogane_2"),
        ("a/b.c-d_e", "abc-d_e"),
        ("医院", "else"),
        ("", "else"),
    ],
)
def test_a_slug_is_plain(text, expected):
    """Rule 10.1: lower-case letters, digits, ``-`` and ``_``; blanks become ``_``."""
    assert slug(text, default="else") == expected


@given(st.text())
def test_a_slug_is_its_own_slug(text):
    """Whatever the name, its slug is one, and is not empty."""
    made = slug(text, default="x")
    assert slug(made, default="y") == made != ""


@pytest.mark.parametrize(
    ("one", "other"), [("STRASSE", "straße"), ("É", "e\u0301"), ("ΑΣ", "ας")]
)
def test_case_is_not_regarded(one, other):
    """rules/excel-import.md 10.2: in any letters, in whatever way one is written."""
    assert without_case(one) == without_case(other)


@given(st.text(alphabet="abcXYZ019._-+", min_size=1))
def test_a_full_name_is_full_already(name):
    """A worker may be named in short or in full."""
    full = worker_name("Demo", name)
    assert full.endswith("@demo.commcarehq.org")
    assert worker_name("Demo", full) == full == full.lower()


def test_an_address_of_its_own_stays_as_it_is():
    """Who signs in with one so far goes on doing so."""
    assert worker_name("d", "Nima@clinic.example") == "Nima@clinic.example"
    check_worker_name("d", "Nima@clinic.example")


@pytest.mark.parametrize("name", ["a", "a.b", "a_b-c+d", "1", ".a", "a."])
def test_a_worker_may_be_called_so(name):
    """Rule 6.3: letters, digits, ``. _ - +``."""
    check_worker_name("d", worker_name("d", name))


@pytest.mark.parametrize("name", ["", "a..b", "..", "a b", "a:b", "å", "admin"])
def test_a_worker_may_not_be_called_so(name):
    """Rule 6.3: no two dots in a row, nothing else, and two names are reserved."""
    with pytest.raises(Conflict):
        check_worker_name("d", worker_name("d", name))


def test_a_short_name_means_another_one_first_in_a_column():
    """A sign-in takes what is written, a column of owners the worker first."""
    full = "amina@demo.commcarehq.org"
    assert names_meant("demo", "Amina") == ("Amina", full)
    assert owners_meant("demo", "Amina") == (full, "Amina")
    assert names_meant("demo", "A@X.org") == ("A@X.org", "a@x.org")
    assert owners_meant("demo", "A@X.org") == ("A@X.org", "a@x.org")


def test_a_text_is_taken_without_blanks_around_it():
    """Longer ones, and what XML cannot carry, are refused."""
    assert checked_text("f", " x ") == "x"
    for bad in ("x" * 256, "a\x0bb", "\ud800"):
        with pytest.raises(Conflict, match="'f' must be text"):
            checked_text("f", bad)


@given(
    st.builds(
        Profile,
        first_name=st.text(st.characters(codec="utf-8")),
        phone_numbers=st.lists(st.text(st.characters(codec="utf-8"))).map(tuple),
        language=st.none() | st.just("en"),
        user_data=st.dictionaries(
            st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))
        ),
        access_all_locations=st.booleans(),
    )
)
def test_a_profile_is_read_as_it_was_written(profile):
    """A row without a profile is that of somebody of whom nothing is known."""
    assert read_profile(profile_text(profile)) == profile
    assert profile_text(Profile()) is None
