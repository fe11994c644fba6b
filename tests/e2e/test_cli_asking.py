"""What people are asked at a terminal, and scripts say beforehand.

The rules are those of rules/operator.md 3.4 and 3.16.
"""

from __future__ import annotations

import io
import sys

import pytest

from tests.e2e.test_cli import Program


class Typist(io.StringIO):
    """Somebody at a terminal who types lines."""

    def isatty(self) -> bool:
        """Be a terminal."""
        return True


@pytest.fixture
def demo(sqlite_url, capsys):
    """Return the program on a database with a domain, a group, a place and a user."""
    program = Program(sqlite_url, capsys)
    program("domain", "create", "demo")
    program("group", "create", "nurses")
    program("location-type", "create", "post")
    program("location", "create", "North", "--type", "post")
    program("user", "create", "ann", "--password", "pw")
    return program


@pytest.fixture
def typing(monkeypatch):
    """Return what sits somebody at the terminal who types this."""

    def sit(*lines):
        text = "".join(f"{line}\n" for line in lines)
        monkeypatch.setattr(sys, "stdin", Typist(text))

    return sit


DELETED = [
    ("user", "delete", "ann"),
    ("group", "delete", "nurses"),
    ("location", "archive", "north"),
]


@pytest.mark.parametrize("words", DELETED, ids=" ".join)
def test_nothing_is_taken_away_unasked(demo, typing, monkeypatch, words):
    """Rule 3.16: a no changes nothing, a script says --yes, and nobody is no yes."""
    typing("n")
    demo(*words, expect=1)
    assert "nothing was changed" in demo.err
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    demo(*words, expect=2)
    assert "say --yes" in demo.err
    typing("y")
    assert demo(*words)
    demo(*words[:2], "nothing", expect=1)


def test_a_script_says_yes_to_the_end_of_a_webhook(demo, monkeypatch):
    """Rule 3.16: the question names its address."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    hook_id, _ = demo("webhook", "create", "https://hooks.example.org", "--inactive")
    demo("webhook", "delete", hook_id, expect=2)
    assert demo("webhook", "delete", hook_id, "--yes") == [f"deleted {hook_id}"]


def test_a_password_is_asked_for_where_somebody_is(demo, monkeypatch):
    """Rule 3.4: elsewhere it must be given, once."""
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    demo("user", "create", "bob", expect=2)
    assert "--password-stdin or --password P" in demo.err
    words = ("user", "create", "bob", "--password", "a", "--password-stdin")
    demo(*words, expect=2)
