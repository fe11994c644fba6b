"""Users, groups and places: what may be, what the log is told, what stays taken.

The rules are those of rules/hq-apis.md 6 and 9.
"""

from __future__ import annotations

import re

import pytest

from ledger.directory import (
    groups,
    users,
    workplaces,
)
from ledger.directory.api_keys import create_key
from ledger.directory.passwords import verify_password
from ledger.directory.profiles import Profile
from ledger.directory.values import GroupChange, User, Workplaces
from ledger.errors import Conflict
from ledger.migrations import migrate
from ledger.store import open_store
from ledger.tables import metadata
from tests.kit import build
from tests.kit.directory import OPERATOR, PASSWORD, People, refused, update
from tests.kit.steps import step_to

# Users


def test_a_mobile_worker_has_a_full_name_and_an_id_of_32_digits(people):
    """Rule 6.1: ``<name>@<domain>.commcarehq.org``, lower case."""
    made = people.user("Amina", "mobile")
    assert made.username == "amina@demo.commcarehq.org"
    assert re.fullmatch("[0-9a-f]{32}", made.user_id)
    assert made.is_worker
    assert not people.user("Ann@Example.org").is_worker


@pytest.mark.parametrize("name", ["amina", "AMINA", "Amina@Demo.commcarehq.org"])
def test_a_mobile_worker_is_found_by_the_short_name_too(people, name):
    """Whoever signs in need not type the suffix."""
    made = people.user("amina", "mobile")
    assert people.read(users.find_user, name) == made


def test_a_web_user_is_found_before_a_worker_of_the_same_short_name(people):
    """A name is first of all what is written."""
    people.user("amina", "mobile")
    web = people.user("amina", "editor")
    assert people.read(users.find_user, "amina") == web


def test_a_name_that_is_taken_is_refused(people):
    """Rule 6.3: also when a deleted user had it."""
    made = people.user("amina", "mobile")
    text = "Username 'amina@demo.commcarehq.org' is already taken or reserved."
    for _ in range(2):
        again = refused(
            people, users.create_user, "Amina", role="mobile", password=None
        )
        assert again == (text, "username")
        if people.read(users.get_user, made.user_id):
            people.do(users.delete_user, made)


@pytest.mark.parametrize("name", ["admin", "demo_user", "a..b", "a b", "å"])
def test_a_name_that_no_worker_may_have_is_refused(people, name):
    """Rule 6.3: letters, digits, ``. _ - +``, no two dots in a row; two are taken."""
    _, field = refused(people, users.create_user, name, role="mobile", password=None)
    assert field == "username"


def test_an_id_can_be_given_once(people):
    """Rule 7.1: a registration brings the id of its user."""
    made = people.user("amina", "mobile", user_id="uuid-1")
    assert made.user_id == "uuid-1"
    text, _ = refused(
        people,
        users.create_user,
        "bo",
        role="mobile",
        password=None,
        user_id="uuid-1",
    )
    assert text == "There is a user with id 'uuid-1' already"


def test_a_profile_is_kept_as_it_is_cleaned(people):
    """Rule 6.1: lower case, no leading plus, the first telephone the default."""
    profile = Profile(
        first_name=" Amina ",
        email="Amina@Example.org",
        phone_numbers=("+502 5331", "77"),
        user_data={"chw_id": "13/43", "blank": ""},
    )
    made = people.user("amina", "mobile", profile=profile)
    found = people.read(users.get_user, made.user_id).profile
    assert (found.first_name, found.email) == ("Amina", "amina@example.org")
    assert found.phone_numbers == ("502 5331", "77")
    assert found.default_phone_number == "502 5331"
    assert found.user_data == {"chw_id": "13/43", "blank": ""}
    assert people.user("bo", "mobile").profile == Profile()


def test_a_new_default_telephone_joins_the_others(people):
    """Rule 6.3: added if new, made default."""
    wanted = Profile(phone_numbers=("1",), default_phone_number="+2")
    found = people.user("amina", "mobile", profile=wanted).profile
    assert (found.phone_numbers, found.default_phone_number) == (("1", "2"), "2")


@pytest.mark.parametrize(
    ("profile", "field"),
    [
        (Profile(first_name="x" * 256), "first_name"),
        (Profile(email="a\x00b"), "email"),
        (Profile(phone_numbers=("\ud800",)), "phone_numbers"),
        (Profile(user_data={"commcare_project": "x"}), "user_data"),
        (Profile(user_data={"key": "x" * 10_001}), "user_data"),
    ],
)
def test_a_profile_that_cannot_be_kept_is_refused(people, profile, field):
    """What XML cannot carry to a phone, and keys that are the server's own."""
    made = people.user("amina", "mobile")
    assert refused(people, update, made, profile=profile)[1] == field


def test_the_log_is_told_which_fields_changed_but_nothing_personal(people):
    """Who, when, which fields; what can be erased is not written where it cannot."""
    made = people.user("amina", "mobile", PASSWORD)
    people.change(made, password="other", profile=Profile(first_name="Amina"))
    people.change(made, active=False)
    assert people.noted()[-2:] == [
        {
            "action": "user changed",
            "user": made.user_id,
            "fields": ["first_name", "password"],
        },
        {"action": "user changed", "user": made.user_id, "active": False},
    ]


def test_a_change_that_changes_nothing_is_not_noted(people):
    """The log has an entry for each change, and for nothing else."""
    made = people.user("amina", "mobile", profile=Profile(first_name="A"))
    before = people.noted()
    same = people.change(
        made, role="mobile", active=True, profile=made.profile, workplaces=Workplaces()
    )
    assert same == made
    assert people.noted() == before


def test_secrets_are_in_no_table_but_as_hashes(people, store):
    """rules/operator.md 5.5: passwords and keys are found nowhere."""
    made = people.user("amina", "mobile", PASSWORD)
    _, secret = people.do(create_key, made, name="k", read_only=False)
    people.change(made, password=PASSWORD + "2")
    found = people.read(users.get_user, made.user_id)
    assert verify_password(PASSWORD + "2", found.password_hash)
    for table in metadata.sorted_tables:
        if "domain" in table.c:
            rows = repr(build.rows_of(store.connection.raw, table, people.domain))
            assert PASSWORD not in rows
            assert secret not in rows


@pytest.mark.parametrize(("role", "other"), [("mobile", "editor"), ("admin", "mobile")])
def test_a_worker_stays_a_worker(people, role, other):
    """The role says what kind of name somebody has."""
    made = people.user("amina", role)
    assert refused(people, update, made, role=other)[1] == "role"


def test_a_deleted_user_is_gone_from_everything_but_the_log(people, clinic, district):
    """Rule 6.5: no list, no sign-in, no group, no place; the name stays taken."""
    made = people.user("amina", "mobile", PASSWORD)
    group = people.group("G", made)
    place = people.place("Here", district)
    people.works_at(made, place)
    people.do(users.delete_user, made)
    assert people.read(users.list_users) == []
    assert people.read(users.find_user, "amina") is None
    assert people.read(users.get_user, made.user_id) is None
    assert people.read(groups.members_of, [group.group_id]) == {}
    assert people.read(workplaces.users_at, [place.location_id]) == set()
    assert people.noted()[-1] == {"action": "user deleted", "user": made.user_id}


def test_users_of_other_domains_are_not_seen(people, store):
    """rules/design.md 1.1: everything in the directory belongs to one domain."""
    other = People(store, build.a_domain(store, "other"))
    foreign = other.user("ann")
    assert people.read(users.find_user, "ann") is None
    assert people.read(users.get_user, foreign.user_id) is None
    text, field = refused(people, groups.create_group, "G", user_ids=[foreign.user_id])
    assert (text, field) == (
        f"Could not find user ids: {foreign.user_id}.",
        "users",
    )


# Groups


def test_a_group_keeps_its_members_in_order(people):
    """Rule 9.1: ``users`` of a group and ``groups`` of a user are one relation."""
    bo, amina = people.user("bo", "mobile"), people.user("amina", "mobile")
    made = people.group("Team", bo, amina, metadata={"k": 1})
    ids = people.read(groups.members_of, [made.group_id])
    assert ids == {made.group_id: [bo.user_id, amina.user_id]}
    assert people.read(groups.groups_of, [bo.user_id]) == {bo.user_id: [made]}
    assert people.read(groups.get_group, made.group_id).metadata == {"k": 1}
    assert (made.case_sharing, made.reporting) == (0, 1)


def test_a_new_group_takes_nobody_out_of_another(people):
    """Rule 9.2: the product only adds."""
    bo = people.user("bo", "mobile")
    first, second = people.group("B", bo), people.group("A", bo)
    found = people.read(groups.groups_of, [bo.user_id])
    assert found == {bo.user_id: [second, first]}


def test_members_are_added_and_removed(people):
    """Twice is once; the log has only who came and who went."""
    amina, bo, cy = (people.user(name, "mobile") for name in ("amina", "bo", "cy"))
    made = people.group("G", amina)
    people.do(groups.add_members, made, [bo.user_id, amina.user_id, bo.user_id])
    assert people.noted()[-1]["added"] == [bo.user_id]
    people.do(groups.remove_members, made, [amina.user_id, cy.user_id])
    assert people.noted()[-1]["removed"] == [amina.user_id]
    assert people.read(groups.members_of, [made.group_id])[made.group_id] == [
        bo.user_id
    ]
    before = people.noted()
    people.do(groups.add_members, made, [bo.user_id])
    assert people.noted() == before


def test_the_members_can_be_replace(people):
    """Rule 9.2: ``users`` of a PUT."""
    amina, bo = people.user("amina", "mobile"), people.user("bo", "mobile")
    made = people.group("G", amina)
    change = GroupChange(user_ids=[bo.user_id], name="H", case_sharing=True)
    after = people.do(groups.update_group, made, change)
    assert (after.name, after.case_sharing) == ("H", 1)
    assert people.noted()[-1] == {
        "action": "group changed",
        "group": made.group_id,
        "name": "H",
        "case_sharing": True,
        "added": [bo.user_id],
        "removed": [amina.user_id],
    }


def test_a_group_needs_a_name_of_its_own(people):
    """Rule 9.2, with its texts."""
    people.group("G")
    other = people.group("H")
    create = groups.create_group
    assert refused(people, create, "G") == (
        "A group with name G already exists",
        "name",
    )
    assert refused(people, create, " ") == ("Name is required", "name")
    renamed = refused(people, groups.update_group, other, GroupChange(name="G"))
    assert renamed == ("A group with this name already exists", "name")


def test_the_name_of_a_deleted_group_is_free(people):
    """Rule 9.2: members lose it; the id is not used again."""
    bo = people.user("bo", "mobile")
    made = people.group("G", bo)
    people.do(groups.delete_group, made)
    assert people.read(groups.groups_of, [bo.user_id]) == {}
    assert people.read(groups.get_group, made.group_id) is None
    assert people.group("G").group_id != made.group_id
    assert [found.name for found in people.read(groups.list_groups)] == ["G"]


# Together


def test_a_change_that_is_refused_leaves_nothing(people, store):
    """A change and its note in the log are one transaction."""
    before = everything(store)
    with pytest.raises(Conflict, match="A group with name G"):
        make_too_much(store)
    assert everything(store) == before


def make_too_much(store):
    """Make a user and a group, and then what cannot be."""
    with store.writing(build.DOMAIN) as writer:
        made = users.create_user(
            writer, "amina", role="mobile", password=None, author=OPERATOR
        )
        groups.create_group(writer, "G", user_ids=[made.user_id], author=OPERATOR)
        groups.create_group(writer, "G", author=OPERATOR)


def everything(store):
    """Return every row of the domain."""
    return {
        table.name: build.rows_of(store.connection.raw, table, build.DOMAIN)
        for table in metadata.sorted_tables
        if "domain" in table.c
    }


# An older database


def test_a_database_of_before_keeps_its_users(empty_url):
    """The step adds empty columns; whoever was there has no profile yet."""
    store = open_store(empty_url)
    row = (build.DOMAIN, "u-1", "ann", "editor", None, 1, 7)
    step_to(store, "0004")
    store.connection.raw.execute(
        "INSERT INTO users (domain, user_id, username, role, password_hash, active, "
        "created_on) VALUES ('demo', 'u-1', 'ann', 'editor', NULL, 1, 7)"
    )
    migrate(store)
    build.a_domain(store)
    found = People(store).read(users.find_user, "ann")
    assert found == User(*row)
    assert found.profile == Profile()
    store.close()
