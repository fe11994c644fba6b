from __future__ import annotations

import pytest

from api.routes import ROUTES
from api.wire.permissions import ROLES, Permission, check, granted
from api.wire.problems import Problem

DATA = {Permission.READ_DATA, Permission.EDIT_DATA}
DEVICE = {Permission.SUBMIT_FORMS, Permission.RESTORE}


@pytest.mark.parametrize(
    ("role", "may", "may_not"),
    [
        ("admin", set(Permission), set()),
        ("editor", DATA | DEVICE, {Permission.MANAGE}),
        ("viewer", {Permission.READ_DATA}, {Permission.EDIT_DATA, *DEVICE}),
        ("mobile", DEVICE, {*DATA, Permission.MANAGE}),
    ],
)
def test_a_role_may_what_the_contract_says(role, may, may_not):
    """rules/operator.md 5.1: who does everything, writes, reads, submits."""
    assert may <= granted(role, reading_only=False)
    assert not may_not & granted(role, reading_only=False)


@pytest.mark.parametrize("role", ROLES)
def test_a_read_only_key_changes_nothing_whatever_its_owner_may(role):
    """rules/operator.md 3.5 and 5.2."""
    changing = {Permission.EDIT_DATA, Permission.SUBMIT_FORMS, Permission.MANAGE}
    assert not changing & granted(role, reading_only=True)


def test_a_role_that_nobody_knows_may_nothing():
    """A row of the directory that was written by another version grants nothing."""
    assert granted("owner", reading_only=False) == frozenset()


def test_what_is_not_granted_is_refused_with_403():
    """rules/case-api-v2.md 2.5."""
    with pytest.raises(Problem) as refused:
        check(granted("viewer", reading_only=False), Permission.EDIT_DATA)
    assert refused.value.status == 403


def test_what_is_granted_passes():
    """A check that succeeds says nothing."""
    check(granted("viewer", reading_only=False), Permission.READ_DATA)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_every_route_of_a_domain_asks_for_a_permission(route):
    """rules/operator.md 5.1: no row of the table forgets who may call it."""
    if route.path.startswith("/a/{domain}/api/") and route.method != "OPTIONS":
        assert route.permission not in {Permission.OPEN, Permission.MEMBER}
