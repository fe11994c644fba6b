"""``caseledger webhook`` as an operator and a script use it."""

from __future__ import annotations

import io
import sys

import pytest

from api.cli import main
from api.webhooks.signing import is_secret
from ledger.migrations import migrate
from ledger.store import open_store
from ledger.webhooks import deliveries
from ledger.webhooks import subscriptions as webhooks
from ledger.webhooks.values import DEAD, Attempt, Lease
from tests.kit import build

URL = "https://127.0.0.1:9/hook"
"""Of this machine, so that no test ever asks anybody outside."""
SECRET = "correct horse battery staple"


@pytest.fixture
def command(url, capsys, monkeypatch):
    """Return the command on a database with one domain, with leave to look inside."""
    monkeypatch.setenv("CASELEDGER_WEBHOOK_PRIVATE", "on")
    store = open_store(url)
    migrate(store)
    build.a_domain(store)
    store.close()

    def run(*words, expect=0):
        capsys.readouterr()
        code = main(["--database", url, "webhook", *words])
        out, run.err = capsys.readouterr()
        assert code == expect, run.err
        return out.splitlines()

    return run


def let_die(url, hook_id):
    """Give a webhook two deliveries, of which one is dead."""
    store = open_store(url)
    positions = [
        build.submit(store, build.a_form([build.a_create(c)])).position for c in "ab"
    ]
    lease = Lease(owner="me", now=build.NOW, until=build.NOW + 1)
    dead = Attempt(
        position=positions[0],
        state=DEAD,
        due_on=None,
        attempted_on=build.NOW,
        status=500,
        error="the receiver answered 500",
    )
    with store.writing(build.DOMAIN) as writer:
        hook = webhooks.get_webhook(writer, hook_id)
        deliveries.move(
            writer,
            hook_id,
            lease=lease,
            came_from=hook.position,
            to=positions[-1],
            matches=positions,
        )
        deliveries.note_attempts(writer, hook_id, [dead], lease=lease)
    store.close()
    return positions


def test_a_webhook_is_made_listed_and_deleted(command):
    """Id and secret go to standard output, each on a line; the list has no secret."""
    filters = ("--case-type", "a", "--case-type", "b", "--xmlns", "http://x")
    hook_id, secret = command("create", URL, *filters)
    assert is_secret(secret)
    [line] = command("list", "--domain", "demo")
    assert line.split("\t") == [
        hook_id,
        "active",
        "2",
        URL,
        "case type a, case type b, xmlns http://x",
    ]
    assert command("delete", hook_id, "--yes") == [f"deleted {hook_id}"]
    assert command("list") == []
    command("delete", hook_id, expect=1)
    assert command.err == f"Error: Webhook '{hook_id}' not found\n"


def test_a_secret_of_ones_own_is_read_from_standard_input(command, monkeypatch):
    """It is on no command line and is not printed."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{SECRET}\n"))
    lines = command("create", URL, "--secret-stdin", "--inactive")
    assert len(lines) == 1
    [line] = command("list")
    assert line.split("\t")[1] == "inactive"
    assert SECRET not in line


@pytest.mark.parametrize("url", ["ftp://example.org", "example.org", ""])
def test_what_is_no_address_is_wrong_usage(url, tmp_path, capsys):
    """Exit code 2, and the field is named."""
    database = f"sqlite:///{tmp_path / 'x.db'}"
    assert main(["--database", database, "webhook", "create", url]) == 2
    assert "'url' must be" in capsys.readouterr().err


def test_an_address_inside_needs_leave(command, monkeypatch):
    """As over HTTP."""
    assert len(command("create", "http://127.0.0.1:9/")) == 2
    monkeypatch.delenv("CASELEDGER_WEBHOOK_PRIVATE")
    command("create", "http://127.0.0.1:9/", expect=2)
    assert "CASELEDGER_WEBHOOK_PRIVATE" in command.err


def test_deliveries_are_listed_and_tried_again(command, url):
    """The dead ones together, or one by its position."""
    hook_id, _ = command("create", URL)
    first, second = let_die(url, hook_id)
    lines = [line.split("\t") for line in command("deliveries", hook_id)]
    assert [line[:2] for line in lines] == [
        [str(second), "pending"],
        [str(first), "dead"],
    ]
    assert lines[1][2] == "1 attempts"
    assert lines[1][4:] == ["500", "the receiver answered 500"]
    assert len(command("deliveries", hook_id, "--state", "dead")) == 1
    assert len(command("deliveries", hook_id, "--limit", "1")) == 1
    assert command("retry", hook_id) == ["1 to be tried again"]
    assert command("deliveries", hook_id, "--state", "dead") == []
    assert command("retry", hook_id, str(second)) == ["1 to be tried again"]
    command("retry", hook_id, "999", expect=1)
    assert command.err == f"Error: Delivery '{hook_id}:999' not found\n"
