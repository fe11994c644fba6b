"""Lists of users: those of one kind, page by page, in the order of their names."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, bindparam, exists, func, select

from ledger.directory.values import MOBILE, User, WhichUsers
from ledger.storage.connection import Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader
from ledger.tables import group_members, users


def count_users(r: Reader, which: WhichUsers) -> int:
    """Return how many users there are of a kind."""
    counted: int = r.conn.value(_counting(_shape(which)), **_params(r, which))
    return counted


def users_from(r: Reader, which: WhichUsers, *, limit: int, offset: int) -> list[User]:
    """Return a page of the users of a kind; served by ``ix_users_username``."""
    found = r.conn.rows(
        _listing(_shape(which)), **_params(r, which), limit=limit, offset=offset
    )
    return [User(*row) for row in found]


_Shape = tuple[bool, bool, bool]


def _shape(which: WhichUsers) -> _Shape:
    return which.workers, which.group_id is not None, which.usernames is not None


def _params(r: Reader, which: WhichUsers) -> dict[str, Any]:
    given: dict[str, Any] = {"domain": r.domain, "active": int(which.active)}
    if which.group_id is not None:
        given["group_id"] = which.group_id
    if which.usernames is not None:
        given["usernames"] = list(which.usernames)
    return given


@cache
def _counting(shape: _Shape) -> Statement:
    return Statement(select(func.count()).select_from(users).where(*_where(shape)))


@cache
def _listing(shape: _Shape) -> Statement:
    return Statement(
        select(*users.c)
        .where(*_where(shape))
        .order_by(users.c.username)
        .limit(bindparam("limit"))
        .offset(bindparam("offset"))
    )


def _where(shape: _Shape) -> list[ColumnElement[bool]]:
    workers, grouped, named = shape
    found = [
        users.c.domain == bindparam("domain"),
        users.c.role == MOBILE if workers else users.c.role != MOBILE,
        users.c.active == bindparam("active"),
        users.c.deleted_on.is_(None),
    ]
    if grouped:
        found.append(
            exists().where(
                group_members.c.domain == users.c.domain,
                group_members.c.group_id == bindparam("group_id"),
                group_members.c.user_id == users.c.user_id,
            )
        )
    if named:
        found.append(in_list(users.c.username, "usernames"))
    return found
