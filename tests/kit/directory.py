"""A domain with people: shorthands to make them and to read what the log says."""

from __future__ import annotations

import pytest

from ledger import log
from ledger.directory import groups, location_changes, location_types, users
from ledger.directory.owners import resolve_owner_ids, resolve_owners
from ledger.directory.values import LocationWish, UserChange, Workplaces
from ledger.entry import Author, Kind
from ledger.errors import Conflict
from tests.kit.build import DOMAIN

OPERATOR = Author(user_id="operator", username="operator")
PASSWORD = "a password that must not be found"


class People:
    """Makes and changes the people of a domain, each in a commit of its own."""

    def __init__(self, store, domain=DOMAIN) -> None:
        """Keep where they live."""
        self.store = store
        self.domain = domain

    def do(self, fn, *arguments, **options):
        """Run a change of the directory."""
        with self.store.writing(self.domain) as writer:
            return fn(writer, *arguments, author=OPERATOR, **options)

    def read(self, fn, *arguments, **options):
        """Run a read."""
        with self.store.reading(self.domain) as reader:
            return fn(reader, *arguments, **options)

    def user(self, username, role="editor", password=None, **more):
        """Make a user."""
        return self.do(
            users.create_user, username, role=role, password=password, **more
        )

    def change(self, user, **change):
        """Change a user."""
        return self.do(users.update_user, user, UserChange(**change))

    def works_at(self, user, *places):
        """Have a user work at places, the first one the primary one."""
        ids = tuple(place.location_id for place in places)
        wanted = Workplaces(ids, ids[0] if ids else None)
        return self.change(user, workplaces=wanted)

    def group(self, name, *members, **more):
        """Make a group."""
        ids = [user.user_id for user in members]
        return self.do(groups.create_group, name, user_ids=ids, **more)

    def type(self, name, parent=None, **more):
        """Make a location type."""
        return self.do(location_types.create_type, name, parent=parent, **more)

    def place(self, name, kind, parent=None, **more):
        """Make a location."""
        wish = LocationWish(
            name=name,
            type_code=kind.code,
            parent_id=None if parent is None else parent.location_id,
            **more,
        )
        return self.do(location_changes.create_location, wish)

    def owners(self, *names, importer=OPERATOR):
        """Return whom names mean: ids, or the titles of problems."""
        return told(self.read(resolve_owners, names, importer=importer))

    def owner_ids(self, *ids, importer=OPERATOR):
        """Return which of the ids may own, as themselves, or titles of problems."""
        return told(self.read(resolve_owner_ids, ids, importer=importer))

    def noted(self):
        """Return what the log says of the directory, in order."""
        found = self.read(log.entries_after, 0, limit=1000)
        return [entry.details for entry, _ in found if entry.kind is Kind.DIRECTORY]


def told(verdicts):
    """Return ids of owners and titles of problems, in the order asked for."""
    return [getattr(v, "owner_id", None) or v.title for v in verdicts.values()]


def as_author(user):
    """Return a user as the one who imports."""
    return Author(user_id=user.user_id, username=user.username)


def refused(people, fn, *arguments, **options):
    """Return the text and the field of a refusal; nothing may have changed."""
    before = people.noted()
    with pytest.raises(Conflict) as caught:
        people.do(fn, *arguments, **options)
    assert people.noted() == before
    return caught.value.text, caught.value.field


def update(writer, user, *, author, **change):
    return users.update_user(writer, user, UserChange(**change), author=author)
