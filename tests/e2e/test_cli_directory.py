"""``caseledger user``, ``group``, ``location`` and ``location-type``."""

from __future__ import annotations

import io
import sys

import pytest

from api.cli import main
from ledger.directory.users import get_user
from ledger.migrations import migrate
from ledger.store import open_store
from tests.kit import build
from tests.kit.directory import People


@pytest.fixture
def command(url, capsys):
    """Return the command on a database with one domain."""
    store = open_store(url)
    migrate(store)
    build.a_domain(store)
    store.close()

    def run(*words, expect=0):
        capsys.readouterr()
        code = main(["--database", url, *words])
        out, run.err = capsys.readouterr()
        assert code == expect, run.err
        return [line.split("\t") for line in out.splitlines()]

    return run


def a_worker(command, name="amina"):
    password = ("--password", "pw")
    [[made]] = command(
        "user", "create", name, "--domain", "demo", "--role", "mobile", *password
    )
    return made


def test_a_worker_is_created_described_and_listed(command):
    """The short name will do everywhere, and so will the id."""
    made = a_worker(command)
    command("location-type", "create", "Clinic")
    [[_, code]] = command("location", "create", "North", "--type", "clinic")
    who = ("--first-name", "Amina", "--last-name", "Diallo", "--email", "A@x.org")
    more = ("--phone", "+1", "--phone", "2", "--data", "chw=7", "--language", "fr")
    assert command("user", "update", "amina", *who, *more) == [[made]]
    assert command("user", "update", made, "--location", code) == [[made]]
    [line] = command("user", "list")
    assert line == [
        made,
        "amina@demo.commcarehq.org",
        "mobile",
        "active",
        "Amina Diallo",
        "north",
    ]
    [[secret]] = command("api-key", "create", "amina", "--domain", "demo")
    assert len(secret) == 64


def test_what_is_not_named_stays(command, url):
    """A second update leaves what the first one said."""
    made = a_worker(command)
    command("user", "update", "amina", "--first-name", "A", "--data", "a=1")
    command("user", "update", "amina", "--phone", "7", "--data", "b=2", "--inactive")
    command("user", "update", "amina", "--data", "a=", "--own-locations")
    store = open_store(url)
    found = People(store).read(get_user, made)
    store.close()
    about = found.profile
    assert (about.first_name, about.user_data) == ("A", {"b": "2"})
    assert (about.default_phone_number, found.active) == ("7", 0)
    assert not about.access_all_locations


def test_a_new_password_comes_from_standard_input(command, monkeypatch, url):
    """It stands on no command line."""
    made = a_worker(command)
    monkeypatch.setattr(sys, "stdin", io.StringIO("new word\n"))
    assert command("user", "update", "amina", "--password-stdin") == [[made]]
    store = open_store(url)
    noted = People(store).noted()[-1]
    store.close()
    assert noted["fields"] == ["password"]
    assert noted["user"] == made


def test_a_user_is_deleted(command):
    """The list is empty; the name stays taken."""
    made = a_worker(command)
    assert command("user", "delete", "amina", "--yes") == [[f"deleted {made}"]]
    assert command("user", "list") == []
    command("user", "delete", "amina", expect=1)
    assert command.err == "Error: there is no user 'amina' in domain 'demo'\n"
    again = ("user", "create", "amina", "--domain", "demo", "--role", "mobile")
    command(*again, "--password", "pw", expect=1)
    assert "is already taken" in command.err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--data", "x"), "'x' is not of the form KEY=VALUE"),
        (("--location", "a", "--no-location"), "give either --location CODE or"),
        (("--role", "king"), "is not one of"),
    ],
)
def test_wrong_usage_of_an_update_is_told(command, words, text):
    """Exit code 2, and nothing is changed."""
    a_worker(command)
    command("user", "update", "amina", *words, expect=2)
    assert text in command.err


def test_a_group_is_made_filled_changed_and_deleted(command):
    """Names or ids, of the group and of users."""
    amina, bo = a_worker(command), a_worker(command, "bo")
    [[made]] = command("group", "create", "Team", "--case-sharing")
    command("group", "add-user", "Team", "amina", "bo")
    assert command("group", "list") == [
        [made, "Team", "case sharing: yes", "reporting: yes", "members: 2"]
    ]
    command("group", "remove-user", made, amina)
    assert command("group", "members", "Team") == [[bo, "bo@demo.commcarehq.org"]]
    command("group", "update", "Team", "--name", "Crew", "--no-case-sharing")
    command("group", "update", "Crew", "--no-reporting")
    assert command("group", "list") == [
        [made, "Crew", "case sharing: no", "reporting: no", "members: 1"]
    ]
    assert command("group", "delete", "Crew", "--yes") == [[f"deleted {made}"]]
    assert command("group", "list") == []
    command("group", "members", "Crew", expect=1)
    assert command.err == "Error: there is no group 'Crew' in domain 'demo'\n"


def test_places_are_made_changed_and_listed(command):
    """Types first, then places, each named by its code."""
    assert command("location-type", "create", "Region") == [["region"]]
    sharing = ("--shares-cases", "--view-descendants")
    below = ("--parent", "region", "--code", "post", *sharing)
    assert command("location-type", "create", "Health post", *below) == [["post"]]
    command("location-type", "update", "post", "--name", "Post", "--no-shares-cases")
    assert command("location-type", "list") == [
        ["1", "region", "Region", "-", "shares cases: no", "view descendants: no"],
        ["2", "post", "Post", "region", "shares cases: no", "view descendants: yes"],
    ]
    [[top, _]] = command("location", "create", "East", "--type", "region")
    at = ("--latitude", "1.5", "--longitude", "-2", "--external-id", "E1")
    more = ("--parent", "east", "--data", "beds=4", "--site-code", "e-1", *at)
    [[made, code]] = command("location", "create", "Post 1", "--type", "post", *more)
    assert code == "e-1"
    assert command("location", "update", "e-1", "--name", "Post one") == [[made, "e-1"]]
    new = ("--new-site-code", "e-2", "--data", "beds=5")
    assert command("location", "update", made, *new) == [[made, "e-2"]]
    assert command("location", "list") == [
        [top, "east", "East", "region", "-"],
        [made, "e-2", "Post one", "post", "east"],
    ]
    command("location", "update", "e-2", "--no-parent", expect=1)
    assert "needs a parent" in command.err
    command("location", "update", "e-2", "--no-parent", "--parent", "x", expect=2)
    command("location", "update", "nowhere", expect=1)
    assert command.err == "Error: there is no location 'nowhere' in domain 'demo'\n"
    command("location", "create", "x", "--type", "t", "--parent", "nowhere", expect=1)
    command("location-type", "update", "nothing", expect=1)
    assert (
        command.err == "Error: there is no location type 'nothing' in domain 'demo'\n"
    )


def test_a_place_is_archived_and_opened_again(command):
    """It leaves the list, and appears in the other one."""
    command("location-type", "create", "Region")
    [[made, _]] = command("location", "create", "East", "--type", "region")
    assert command("location", "archive", "east", "--yes") == [["1 archived"]]
    assert command("location", "list") == []
    assert command("location", "list", "--archived") == [
        [made, "east", "East", "region", "-"]
    ]
    assert command("location", "unarchive", "east") == [["1 unarchived"]]
    assert command("location", "list", "--archived") == []


def test_people_are_in_a_backup(command, url, tmp_path):
    """Restored into another database, they are what they were."""
    a_worker(command)
    command("group", "create", "Team", "--case-sharing")
    command("group", "add-user", "Team", "amina")
    command("location-type", "create", "Region")
    command("location", "create", "East", "--type", "region")
    command("user", "update", "amina", "--location", "east", "--first-name", "Amina")
    shown = lists(command)
    command("backup", str(tmp_path / "all"))
    there = f"sqlite:///{tmp_path / 'there.db'}"
    command("--database", there, "restore", str(tmp_path / "all"))
    assert lists(lambda *words: command("--database", there, *words)) == shown


def lists(run):
    names = ("user", "group", "location", "location-type")
    return [run(name, "list") for name in names]
