"""``caseledger case erase`` as an operator and a script use it."""

from __future__ import annotations

import io

import pytest

from api.cli import main
from ledger.bodies import add_dictionary
from ledger.migrations import migrate
from ledger.store import open_store
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.erasing import SECRET, a_secret, everything


class Terminal(io.StringIO):
    """Standard input with somebody in front of it."""

    def isatty(self):
        """Say so."""
        return True


@pytest.fixture
def store(url):
    """Fill a database: a case with a file, a dictionary that knows of it, a child."""
    opened = open_store(url)
    migrate(opened)
    build.a_domain(opened)
    mine = a_secret(attach={"p": {"src": "me.jpg"}})
    photo = build.a_file("me.jpg", b"my face")
    build.submit(opened, build.a_form([mine], form_id="f1"), attachments=[photo])
    for place in range(100):
        block = build.an_update("c1", mark=f"{SECRET} {place}")
        build.submit(opened, build.a_form([block]))
    with opened.writing(build.DOMAIN) as writer:
        assert add_dictionary(writer)
    child = build.a_create("c2", index={"parent": "c1"})
    build.submit(opened, build.a_form([child], form_id="f2"))
    yield opened
    opened.close()


@pytest.fixture
def erase(store, capsys):
    """Return the command, which compares its exit code and returns its output."""

    def run(*words, expect=0):
        capsys.readouterr()
        code = main(["--database", store.url, "case", "erase", *words])
        found = capsys.readouterr()
        assert code == expect, found.err
        return found

    return run


def is_gone(store):
    store.connection.codecs = None
    return SECRET.encode() not in everything(store) and verify(store, build.DOMAIN).ok


def test_a_script_says_yes_and_gets_a_summary(erase, store):
    """It does all of it before it ends, dictionaries too."""
    lines = erase("c1", "--reason", "asked for", "--yes").out.splitlines()
    told = dict(line.split("\t")[:2] for line in lines if not line.startswith(" "))
    assert told["forms to redact"] == told["forms redacted"] == "101"
    assert told["files to drop"] == told["files dropped"] == "1"
    assert told["forms that name it and stay"] == "1"
    assert told["dictionaries replaced"] == "1"
    assert lines[-1].endswith("\tdone")
    assert is_gone(store)
    entry = build.entries_of(store)[-1]
    assert (entry.kind, entry.user_id) == ("erase", "operator")
    assert entry.details["reason"] == "asked for"


def test_a_look_changes_nothing(erase, store):
    """And needs no reason."""
    before = build.dump(store)
    lines = erase("c1", "--dry-run").out.splitlines()
    assert "  f1\tnormal\tposition 2" in lines
    assert "  me.jpg\t7 bytes" in lines
    assert lines[-1] == "  f2\tnormal\tposition 103"
    assert build.dump(store) == before


def test_somebody_at_a_terminal_types_the_id(erase, store, monkeypatch):
    """Another word erases nothing."""
    monkeypatch.setattr("sys.stdin", Terminal("c2\n"))
    refused = erase("c1", "--reason", "asked", expect=2)
    assert "'c2' is not 'c1': nothing was erased" in refused.err
    assert not is_gone(store)
    monkeypatch.setattr("sys.stdin", Terminal("c1\nc2\n"))
    erase("c1", "c2", "--reason", "asked")
    assert is_gone(store)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("c1", "--reason", "asked"), "say --yes if the erasure is meant"),
        (("c1", "--yes"), "give a --reason"),
        (("c1", "--yes", "--reason", " "), "give a --reason"),
        (("--yes", "--reason", "x"), "Missing argument"),
    ],
)
def test_a_script_must_mean_it(erase, store, monkeypatch, words, text):
    """Wrong usage is exit code 2, and nothing is erased."""
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert text in erase(*words, expect=2).err
    assert not is_gone(store)


def test_an_unknown_case_is_an_error(erase, store):
    """Of several, the others are not erased either."""
    refused = erase("c1", "c9", "--reason", "x", "--yes", expect=1)
    assert "Case 'c9' not found" in refused.err
    assert not is_gone(store)
