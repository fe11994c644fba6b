"""Lists of users, and groups joined from a user's side (``rules/hq-apis.md``)."""

from __future__ import annotations

from ledger.directory import groups, users
from ledger.directory.passwords import hash_password, verify_password
from ledger.directory.user_lists import count_users, users_from
from ledger.directory.values import WhichUsers, Workplaces
from tests.kit.directory import refused, update

WORKERS = WhichUsers(workers=True)


def named(people, which, limit=10, offset=0):
    """Return the short names on a page, and how many there are in all."""
    page = people.read(users_from, which, limit=limit, offset=offset)
    assert all(user.domain == people.domain for user in page)
    shown = [user.username.partition("@")[0] for user in page]
    return shown, people.read(count_users, which)


def test_a_list_has_one_kind_of_users_in_the_order_of_their_names(people):
    """Pages yield every row once; the deleted and the others never appear."""
    web = people.user("chief")
    made = {name: people.user(name, "mobile") for name in ("c", "a", "d", "b", "e")}
    people.change(made["d"], active=False)
    people.do(users.delete_user, made["e"])
    team = people.group("Team", made["a"], made["d"], web)
    assert named(people, WORKERS) == (["a", "b", "c"], 3)
    assert named(people, WORKERS, limit=2) == (["a", "b"], 3)
    assert named(people, WORKERS, limit=2, offset=2) == (["c"], 3)
    assert named(people, WORKERS, offset=9) == ([], 3)
    assert named(people, WhichUsers(workers=True, active=False)) == (["d"], 1)
    assert named(people, WhichUsers(workers=False)) == (["chief"], 1)
    of_team = WhichUsers(workers=True, group_id=team.group_id)
    assert named(people, of_team) == (["a"], 1)
    full = made["b"].username
    assert named(people, WhichUsers(workers=True, usernames=(full,))) == (["b"], 1)


def test_groups_of_a_user_and_members_of_a_group_are_one_relation(people):
    """Rule 9.1: who joins from the user's side comes behind those who are there."""
    first, second = people.user("a", "mobile"), people.user("b", "mobile")
    red, blue = people.group("Red", first), people.group("Blue", second)
    people.change(second, group_ids=[red.group_id])
    members = people.read(groups.members_of, [red.group_id, blue.group_id])
    assert members == {red.group_id: [first.user_id, second.user_id]}
    told = people.noted()[-1]
    assert told["groups"] == {"joined": [red.group_id], "left": [blue.group_id]}
    people.change(second, group_ids=[red.group_id])
    assert people.noted()[-1] == told
    text = "Could not find group ids: nobody."
    wish = {"group_ids": ["nobody"]}
    assert refused(people, update, second, **wish) == (text, "groups")


def test_a_user_is_made_whole_in_one_note(people):
    """Rule 6.3: groups and places come with the user, and a hash that is made before.

    The log is told of the hash no more than of a password.
    """
    kind = people.type("Clinic", shares_cases=True)
    clinic, group = people.place("A", kind), people.group("Red")
    work = Workplaces((clinic.location_id,), clinic.location_id)
    before = len(people.noted())
    hashed = hash_password("correct horse")
    made = people.user(
        "a",
        "mobile",
        password_hash=hashed,
        workplaces=work,
        group_ids=[group.group_id],
    )
    [told] = people.noted()[before:]
    assert told["locations"] == [clinic.location_id]
    assert told["groups"] == {"joined": [group.group_id], "left": []}
    assert hashed not in str(told)
    assert verify_password(
        "correct horse", people.read(users.get_user, made.user_id).password_hash
    )
    other = hash_password("battery staple")
    people.change(made, password_hash=other)
    assert people.noted()[-1]["fields"] == ["password"]
    assert other not in str(people.noted())
