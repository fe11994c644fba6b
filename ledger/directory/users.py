"""Users: who may come in, one row for each domain a person belongs to.

A user with the role ``mobile`` is a mobile worker and has a full name of the domain
(``usernames.py``); everybody else is a web user.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, select

from ledger.clock import now_micros
from ledger.directory.groups import join_groups, leave_groups
from ledger.directory.passwords import hash_password
from ledger.directory.profiles import (
    EMPTY,
    Profile,
    changed_fields,
    cleaned,
    profile_text,
)
from ledger.directory.usernames import (
    check_username,
    check_worker_name,
    names_meant,
    taken,
    worker_name,
)
from ledger.directory.values import MOBILE, NOWHERE, User, UserChange, Workplaces
from ledger.directory.workplaces import (
    check_workplaces,
    clear_workplaces,
    put_workplaces,
    workplaces_of,
)
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.ids import new_hex_id, new_id
from ledger.log import record_directory
from ledger.stated import put
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.store import Reader, Writer
from ledger.tables import users


def _where(*conditions: Any) -> Select[Any]:
    return select(*users.c).where(*conditions)


def _in_domain(*conditions: Any) -> Statement:
    return Statement(_where(users.c.domain == bindparam("domain"), *conditions))


_BY_NAMES = _in_domain(in_list(users.c.username, "usernames"))
_BY_IDS = _in_domain(in_list(users.c.user_id, "user_ids"))
_ALL = Statement(
    _where(users.c.domain == bindparam("domain")).order_by(users.c.username)
)
_EVERYWHERE = Statement(
    _where(users.c.username == bindparam("username"), users.c.deleted_on.is_(None))
    .order_by(users.c.domain)
    .limit(bindparam("most"))
)


def find_user(r: Reader, username: str) -> User | None:
    """Return the user of the domain with this name.

    A mobile worker is also found by the part of the name before the ``@``.
    """
    names = names_meant(r.domain, username)
    found = users_by_name(r, names)
    return next((found[name] for name in names if name in found), None)


def get_user(r: Reader, user_id: str) -> User | None:
    """Return the user of the domain with this id; served by the primary key."""
    return users_by_id(r, [user_id]).get(user_id)


def users_by_name(r: Reader, usernames: Iterable[str]) -> dict[str, User]:
    """Return the users with these full names; served by ``ix_users_username``."""
    found = _every(r, _BY_NAMES, usernames=list(usernames))
    return {user.username: user for user in found if user.deleted_on is None}


def users_by_id(r: Reader, user_ids: Iterable[str]) -> dict[str, User]:
    """Return the users with these ids; served by the primary key."""
    found = _every(r, _BY_IDS, user_ids=list(user_ids))
    return {user.user_id: user for user in found if user.deleted_on is None}


def list_users(r: Reader) -> list[User]:
    """Return the users of the domain in the order of their names."""
    return [user for user in _every(r, _ALL) if user.deleted_on is None]


def find_everywhere(conn: Connection, username: str, *, most: int) -> list[User]:
    """Return at most so many users of this name in all domains.

    A marked fan-out (``rules/design.md`` 1.2): only a sign-in that failed asks, to
    tell a stranger from a member of another domain.
    """
    rows = conn.rows(_EVERYWHERE, username=username, most=most)
    return [User(*row) for row in rows]


def create_user(
    w: Writer,
    username: str,
    *,
    role: str,
    password: str | None,
    author: Author,
    password_hash: str | None = None,
    profile: Profile = EMPTY,
    workplaces: Workplaces = NOWHERE,
    group_ids: Sequence[str] = (),
    user_id: str | None = None,
) -> User:
    """Add a user to the domain and note it in the log, without the password.

    A mobile worker gets the full name, whatever is given. Raises ``Conflict`` when the
    name is taken, also by a user who was deleted, or cannot be a name, and for groups
    and places that are not there.
    """
    is_worker = role == MOBILE
    if is_worker:
        username = worker_name(w.domain, username)
        check_worker_name(w.domain, username)
    check_username(username)
    require_free(w, username, is_worker=is_worker)
    made = user_id or (new_hex_id() if is_worker else new_id())
    if _every(w, _BY_IDS, user_ids=[made]):
        raise Conflict(f"There is a user with id '{made}' already", field="user_id")
    if password is not None:
        password_hash = hash_password(password)
    about = profile_text(cleaned(profile))
    now = now_micros()
    user = User(w.domain, made, username, role, password_hash, 1, now, about)
    put(w, users, [user])
    details = {"user": user.user_id, "username": username, "role": role}
    details |= _placed(w, user, workplaces) | _grouped(w, user, group_ids)
    record_directory(w, "user created", details, user_id=author.user_id, now=now)
    return user


def require_free(r: Reader, username: str, *, is_worker: bool = True) -> None:
    """Refuse a full username that somebody has, or had and was deleted.

    Raises ``Conflict``.
    """
    if _every(r, _BY_NAMES, usernames=[username]):
        text = f"User '{username}' already exists in domain '{r.domain}'"
        raise taken(username) if is_worker else Conflict(text, field="username")


def update_user(w: Writer, user: User, change: UserChange, *, author: Author) -> User:
    """Change a user and note in the log which fields, without what is personal.

    Raises ``Conflict`` for a role of the other kind, for a place or a group that is
    not there and for a text that cannot be kept.
    """
    after = _changed(user, change)
    details = _what_changed(user, after)
    if change.workplaces is not None:
        details |= _placed(w, user, change.workplaces)
    if change.group_ids is not None:
        details |= _grouped(w, user, change.group_ids)
    if not details:
        return user
    put(w, users, [after])
    record_directory(
        w,
        "user changed",
        {"user": user.user_id, **details},
        user_id=author.user_id,
        now=now_micros(),
    )
    return after


def delete_user(w: Writer, user: User, *, author: Author) -> None:
    """Take a user out of everything but the log; the name stays taken.

    Forms and cases stay as they are (``rules/hq-apis.md`` 6.5).
    """
    now = now_micros()
    gone = user._replace(
        active=0, password_hash=None, profile_text=None, deleted_on=now
    )
    put(w, users, [gone])
    leave_groups(w, user.user_id)
    clear_workplaces(w, user.user_id)
    details = {"user": user.user_id}
    record_directory(w, "user deleted", details, user_id=author.user_id, now=now)


def _placed(w: Writer, user: User, wanted: Workplaces) -> dict[str, Any]:
    """Have a user work at these places; return what the log is told of it."""
    if wanted == workplaces_of(w, [user.user_id]).get(user.user_id, NOWHERE):
        return {}
    check_workplaces(w, wanted)
    put_workplaces(w, user.user_id, wanted)
    return {"locations": wanted.location_ids, "primary": wanted.primary}


def _grouped(w: Writer, user: User, group_ids: Sequence[str]) -> dict[str, Any]:
    """Have a user be in these groups; return what the log is told of it."""
    changed = join_groups(w, user.user_id, group_ids)
    return {"groups": changed} if changed else {}


def _every(r: Reader, statement: Statement, **params: Any) -> list[User]:
    return [User(*row) for row in r.conn.rows(statement, domain=r.domain, **params)]


def _changed(user: User, change: UserChange) -> User:
    role = change.role or user.role
    if (role == MOBILE) is not user.is_worker:
        raise Conflict(
            "A mobile worker stays one, and nobody else becomes one: make a new user",
            field="role",
        )
    active = user.active if change.active is None else int(change.active)
    about = change.profile
    hashed = change.password_hash or user.password_hash
    if change.password is not None:
        hashed = hash_password(change.password)
    return user._replace(
        role=role,
        active=active,
        profile_text=user.profile_text
        if about is None
        else profile_text(cleaned(about)),
        password_hash=hashed,
    )


def _what_changed(before: User, after: User) -> dict[str, Any]:
    """Return what the log is told: of personal fields and secrets their names alone."""
    names = changed_fields(before.profile, after.profile)
    if after.password_hash != before.password_hash:
        names.append("password")
    details: dict[str, Any] = {"fields": names} if names else {}
    if after.role != before.role:
        details["role"] = after.role
    if after.active != before.active:
        details["active"] = bool(after.active)
    return details
