"""The directory proves itself: whatever is altered in it is named.

The page is docs/operating/verify.md; the fold is ``ledger/stated.py``.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from ledger.directory import domains, groups
from ledger.directory.api_keys import create_key, revoke_key
from ledger.directory.passwords import verify_password
from ledger.directory.profiles import Profile
from ledger.directory.users import create_user, find_user
from ledger.directory.values import GroupChange, Workplaces
from ledger.entry import Kind
from ledger.errors import Conflict
from ledger.log import entries_after
from ledger.proof.domains import domains_anywhere, list_faults
from ledger.proof.rebuilding import rebuild_directory, restate_directory
from ledger.proof.unproved import UNPROVED
from ledger.stated import STATED, put
from ledger.tables import metadata
from ledger.webhooks import subscriptions
from ledger.webhooks.values import Webhook
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.alterations import Table, another, findings, start_batch
from tests.kit.directory import OPERATOR, PASSWORD, People, update
from tests.kit.intruder import intrude, rewrite

_WITH_AN_ID = 2
PAGE = Path("docs/operating/verify.md")
SECRET = "a secret of a receiver"
QUERY = "https://example.org/hook?token=secret-of-the-query"
ADDRESS = "https://example.org/hook"
KEPT = metadata.tables
STATED_TABLES = sorted(STATED)
LOG_TABLES = ("bodies", "blobs", "domain_list", "domains", "entries", "generations")


@pytest.fixture
def people(store):
    """Return a domain with a row, or some, in every table of the directory."""
    build.a_domain(store)
    people = People(store)
    state = people.type("state")
    clinic = people.type("clinic", parent=state)
    north = people.place("North", state, external_id="n1", latitude="1.5")
    east = people.place("East", clinic, parent=north)
    ann = people.user(
        "ann@example.org", password=PASSWORD, profile=Profile(first_name="Ann")
    )
    worker = people.user("amina", "mobile")
    places = Workplaces((north.location_id, east.location_id), east.location_id)
    people.do(update, worker, workplaces=places)
    team = people.do(groups.create_group, "team", user_ids=[ann.user_id])
    both = [worker.user_id, ann.user_id]
    people.do(groups.update_group, team, GroupChange(user_ids=both))
    people.do(groups.create_group, "night", case_sharing=True)
    key, _ = people.do(create_key, ann, name="laptop", read_only=False)
    people.do(create_key, worker, name="phone", read_only=True, scope="/receiver")
    people.do(revoke_key, key.key_id)
    settings = domains.DomainSettings(close_extensions=True)
    people.do(domains.save_settings, settings, now=build.NOW)
    for n in range(2):
        add_webhook(people, ADDRESS, subscriptions.new_secret())
        start_batch(people, n)
    build.submit(
        store,
        build.a_form([build.a_create("c1")], form_id="f1"),
        attachments=[build.a_file()],
    )
    return people


def add_webhook(people, url, secret):
    """Add a webhook."""
    hook = Webhook(
        domain=build.DOMAIN,
        webhook_id="",
        url=url,
        secret=secret,
        case_types=("patient",),
    )
    people.do(subscriptions.add_webhook, hook, after=None, now=build.NOW)


def all_findings(store):
    """Return what all proofs say, of the list of domains too."""
    found = list_faults(store.connection)
    for domain in domains_anywhere(store.connection):
        proof = verify(store, domain)
        found += [b.text for b in proof.breaks]
        found += map(str, (*proof.differences, *proof.files))
    return found


def test_a_directory_is_what_its_log_states(people):
    """Every row is compared, and nothing differs."""
    proof = verify(people.store, build.DOMAIN)
    assert proof.ok
    assert not proof.unproved
    assert {proof.rows[name] > 0 for name in STATED} == {True}
    assert all_findings(people.store) == []


def test_each_column_that_is_altered_is_named(people):
    """One value of one row, in every column of every table of the directory."""
    for name in STATED_TABLES:
        table = Table(people.store, name)
        row = table.rows()[0]
        for column in table.columns:
            if name == "domains" and column.name not in STATED[name].columns:
                continue
            old = row[table.columns.index(column)]
            changed = table.set(row, column, another(column, old))
            of_heads = column.name == "domain" or name == "domains"
            found = (all_findings if of_heads else findings)(people.store)
            named = any(name.removesuffix("s") in text for text in found)
            assert named is not (column.name in UNPROVED.get(name, ())), (name, column)
            table.set(changed, column, old)
        assert findings(people.store) == [], name


def test_a_secret_that_somebody_thought_of_is_proved_too(people):
    """And so is an address whose query may be one."""
    add_webhook(people, QUERY, SECRET)
    assert findings(people.store) == []
    where = f"WHERE url = '{QUERY}'"
    changed = f"UPDATE webhooks SET secret = '{SECRET}!', url = url || '0' {where}"  # noqa: S608
    intrude(people.store, "webhooks", changed)
    found = [text.split()[2:] for text in findings(people.store)]
    assert found == [["url", "differs"], ["secret", "differs"]]


def test_rows_that_are_deleted_planted_or_swapped_are_named(people):
    """What is missing, what is too much, and two rows in each other's place."""
    store = people.store
    for name in sorted(set(STATED_TABLES) - {"domains"}):
        table = Table(store, name)
        first, second, *_ = table.rows()
        table.delete(first)
        assert findings(store), name
        table.delete(second)
        if len(KEPT[name].primary_key) == _WITH_AN_ID:
            crossed = [first[:2] + second[2:], second[:2] + first[2:]]
            for row in crossed:
                table.insert(row)
            assert findings(store), name
            for row in crossed:
                table.delete(row)
        table.insert(first)
        table.insert(second)
        assert findings(store) == []


def test_a_planted_admin_and_key_are_named(people):
    """Somebody with the database cannot let himself in unseen."""
    store = people.store
    users, keys = Table(store, "users"), Table(store, "api_keys")
    user, key = users.rows()[0], keys.rows()[0]
    users.insert((user[0], "eve", "eve", "admin", *user[4:]))
    keys.insert((key[0], "k-eve", "eve", *key[3:]))
    assert findings(store) == [
        "users eve: not in the log's fold",
        "api_keys k-eve: not in the log's fold",
    ]


def test_each_column_of_the_log_that_is_altered_is_noticed(people):
    """The tables beside the directory, by the whole proof."""
    store = people.store
    for name in LOG_TABLES:
        table = Table(store, name)
        row = table.rows()[-1]
        for column in table.columns:
            if column.name in UNPROVED.get(name, ()):
                continue
            if (name, column.name) == ("generations", "generation"):
                continue  # it is the name of tables, which are not there then
            old = row[table.columns.index(column)]
            changed = table.set(row, column, another(column, old))
            assert all_findings(store), (name, column.name)
            table.set(changed, column, old)
        assert all_findings(store) == []


def test_what_is_not_proved_is_on_the_page(people):
    """Each column that nothing proves has its reason, for whoever reads the page."""
    page = PAGE.read_text()
    for name, columns in UNPROVED.items():
        assert set(columns) <= set(KEPT[name].c.keys())
        reasons = {}
        for column, reason in columns.items():
            reasons.setdefault(reason, []).append(column)
        for reason, names in reasons.items():
            whole = set(names) == set(KEPT[name].c.keys())
            told = "all" if whole else ", ".join(f"`{n}`" for n in names)
            assert f"| `{name}` | {told} | {reason} |" in page


def test_no_secret_stands_in_the_log(people):
    """Neither a hash that could be tried, nor a secret, nor the query of an address."""
    store = people.store
    add_webhook(people, QUERY, SECRET)
    with store.reading(build.DOMAIN) as reader:
        user = find_user(reader, "ann@example.org")
        bodies = [body or b"" for _, body in entries_after(reader, 0, limit=1000)]
        headers = [repr(entry) for entry, _ in entries_after(reader, 0, limit=1000)]
    keys = [bytes(row[4]) for row in Table(store, "api_keys").rows()]
    assert verify_password(PASSWORD, user.password_hash)
    secrets = [user.password_hash, SECRET, "secret-of-the-query"]
    secrets += [key.hex() for key in keys]
    for secret, body in product(secrets, bodies):
        assert secret.encode() not in body
    assert not [s for s, h in product(secrets, headers) if s in h]


def test_a_domain_without_its_head_is_missed(people):
    """The head is guarded, and who gets past the guard is named."""
    store = people.store
    with pytest.raises(Exception, match="append-only"), store.administering() as conn:
        conn.execute("DELETE FROM domains")
    intrude(store, "domains", "DELETE FROM domains")
    assert "the domain 'demo' was created and has no head any more" in list(
        list_faults(store.connection)
    )
    assert [b.text for b in verify(store, build.DOMAIN).breaks] == [
        "the head of the domain is missing"
    ]


def test_a_domain_of_which_nothing_is_left_is_missed(people):
    """The list of domains has it, and the list is chained."""
    store = people.store
    build.a_domain(store, "other")
    for table in KEPT.values():
        if "domain" in table.c and table.name != "domain_list":
            intrude(store, table.name, f"DELETE FROM {table.name}")  # noqa: S608
    assert len(list_faults(store.connection)) == 2
    intrude(store, "domain_list", "DELETE FROM domain_list WHERE number = 1")
    assert list_faults(store.connection)[0] == (
        "line 1 of the list of domains is missing"
    )


@pytest.mark.parametrize("column", ["settings", "indexed"])
def test_a_head_that_cannot_be_read_is_a_finding(people, column):
    """The other domains are proved all the same."""
    store = people.store
    build.a_domain(store, "other")
    damage = f"UPDATE domains SET {column} = '[' WHERE domain = 'demo'"  # noqa: S608
    intrude(store, "domains", damage)
    [found] = verify(store, build.DOMAIN).breaks
    assert found.text.endswith("of the domain cannot be read")
    assert verify(store, "other").ok


def test_read_tables_that_are_not_there_are_a_finding(people):
    """A head that names another generation is told, and is no crash."""
    store = people.store
    intrude(store, "domains", "UPDATE domains SET live_cases = 77")
    [found] = verify(store, build.DOMAIN).breaks
    assert found.text == "the domain names no live read tables of cases: 77"


# Logs of older releases


def before_rows_were_stated(store):
    """Make the log what a release left whose notes of the directory had no bodies."""

    def without_body(entry):
        if entry.kind is not Kind.DIRECTORY:
            return entry
        notes.append(entry.position)
        return entry._replace(body_sha256=None, body_length=0)

    notes = []
    rewrite(store, without_body)
    told = ", ".join(map(str, notes))
    intrude(store, "bodies", f"DELETE FROM bodies WHERE position IN ({told})")  # noqa: S608


def test_a_row_that_is_put_needs_a_note(store):
    """No transaction commits a row of the directory of which the log knows nothing."""
    build.a_domain(store)
    people = People(store)
    user = people.user("ann@example.org")
    with (
        pytest.raises(AssertionError, match="no entry states"),
        store.writing(build.DOMAIN) as w,
    ):
        put(w, KEPT["users"], [user._replace(role="admin")])
    assert findings(store) == []


def test_what_older_notes_left_is_counted_until_it_is_stated(people):
    """Neither proved nor blamed; what is put since then is proved at once."""
    store = people.store
    before_rows_were_stated(store)
    people.user("bob@example.org")
    proof = verify(store, build.DOMAIN)
    assert proof.ok
    assert (proof.rows["users"], proof.unproved["users"]) == (1, 2)
    with pytest.raises(Conflict, match="caseledger domain restate"):
        rebuild_directory(store, build.DOMAIN, author=OPERATOR)
    counted = restate_directory(store, build.DOMAIN, author=OPERATOR)
    assert counted["users"] == 3
    proof = verify(store, build.DOMAIN)
    assert proof.ok
    assert (proof.rows["users"], proof.unproved) == (3, {})


def test_nothing_is_stated_anew_that_differs(people):
    """What an intruder left does not become right by it."""
    intrude(people.store, "users", "UPDATE users SET role = 'admin'")
    with pytest.raises(Conflict, match="role differs: run caseledger verify"):
        restate_directory(people.store, build.DOMAIN, author=OPERATOR)


# The way back


def test_a_directory_is_rebuilt_from_the_log(people):
    """Rows come back, go and are set right; secrets that fit are kept."""
    store = people.store
    before = {name: Table(store, name).rows() for name in STATED_TABLES}
    intrude(store, "users", "UPDATE users SET role = 'admin', username = user_id")
    intrude(store, "groups", "DELETE FROM groups")
    intrude(store, "group_members", "DELETE FROM group_members WHERE place = 0")
    intrude(store, "domains", "UPDATE domains SET settings = '{}'")
    keys = Table(store, "api_keys")
    row = keys.rows()[0]
    keys.insert((row[0], "planted", *row[2:]))
    counted = rebuild_directory(store, build.DOMAIN, author=OPERATOR)
    assert counted == {
        "users": 2,
        "groups": 2,
        "group_members": 1,
        "domains": 1,
        "api_keys": 1,
    }
    assert verify(store, build.DOMAIN).ok
    for name in sorted(set(STATED_TABLES) - {"domains"}):
        assert Table(store, name).rows() == before[name], name
    assert rebuild_directory(store, build.DOMAIN, author=OPERATOR) == {}


def test_secrets_that_are_lost_open_nothing(people):
    """A password is gone, a key fits nothing, a webhook rests."""
    store = people.store
    add_webhook(people, QUERY, SECRET)
    for table in ("users", "api_keys", "webhooks"):
        intrude(store, table, f"DELETE FROM {table}")  # noqa: S608
    rebuild_directory(store, build.DOMAIN, author=OPERATOR)
    assert verify(store, build.DOMAIN).ok
    with store.reading(build.DOMAIN) as reader:
        assert find_user(reader, "ann@example.org").password_hash is None
        hooks = subscriptions.list_webhooks(reader)
    assert {hook.active for hook in hooks} == {False}
    assert {hook.url for hook in hooks} == {ADDRESS, "https://address.invalid/"}


def test_a_user_of_the_same_name_as_before_is_no_difference(people):
    """What is put again after it was dropped counts as it is now."""
    user = people.do(create_user, "zoe", role="viewer", password=None)
    people.do(update, user, role="admin")
    assert findings(people.store) == []


def test_tables_that_are_gone_are_a_finding(people):
    """Whatever cannot be read is told of its domain, and is no crash."""
    store = people.store
    with store.reading(build.DOMAIN) as reader:
        number = reader.head.live["forms"]
    intrude(store, "domains", f"DROP TABLE forms_{number}")
    [found] = verify(store, build.DOMAIN).breaks
    assert found.text.startswith("what is kept of it cannot be read: ")
