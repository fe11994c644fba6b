"""Users: who may come in, one row for each domain a person belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Select, bindparam, select, update

from ledger.clock import now_micros
from ledger.connection import Connection, Statement
from ledger.directory.passwords import hash_password
from ledger.entry import Author
from ledger.errors import Conflict
from ledger.ids import new_id
from ledger.log import record_directory
from ledger.tables import users
from ledger.times import Micros

if TYPE_CHECKING:
    from ledger.store import Reader, Writer

USERNAME_LIMIT = 255


class User(NamedTuple):
    """One row of ``users``, columns in the table's order."""

    domain: str
    user_id: str
    username: str
    role: str
    password_hash: str | None
    active: int
    created_on: Micros


def _where(*conditions: Any) -> Select[Any]:
    return select(*users.c).where(*conditions)


_BY_NAME = Statement(
    _where(
        users.c.domain == bindparam("domain"),
        users.c.username == bindparam("username"),
    )
)
_BY_ID = Statement(
    _where(
        users.c.domain == bindparam("domain"), users.c.user_id == bindparam("user_id")
    )
)
_ALL = Statement(
    _where(users.c.domain == bindparam("domain")).order_by(users.c.username)
)
_EVERYWHERE = Statement(
    _where(users.c.username == bindparam("username"))
    .order_by(users.c.domain)
    .limit(bindparam("most"))
)
_SET_ACTIVE = Statement(
    update(users)
    .where(
        users.c.domain == bindparam("of_domain"),
        users.c.user_id == bindparam("of_user"),
    )
    .values(active=bindparam("active"))
)


def find_user(r: Reader, username: str) -> User | None:
    """Return the user of the domain with this name; served by ``ix_users_username``."""
    row = r.conn.row(_BY_NAME, domain=r.domain, username=username)
    return None if row is None else User(*row)


def get_user(r: Reader, user_id: str) -> User | None:
    """Return the user of the domain with this id; served by the primary key."""
    row = r.conn.row(_BY_ID, domain=r.domain, user_id=user_id)
    return None if row is None else User(*row)


def list_users(r: Reader) -> list[User]:
    """Return the users of the domain in the order of their names."""
    return [User(*row) for row in r.conn.rows(_ALL, domain=r.domain)]


def find_everywhere(conn: Connection, username: str, *, most: int) -> list[User]:
    """Return at most so many users of this name in all domains.

    A marked fan-out (ruling R-1): only a sign-in that failed asks, to tell a stranger
    from a member of another domain.
    """
    rows = conn.rows(_EVERYWHERE, username=username, most=most)
    return [User(*row) for row in rows]


def create_user(
    w: Writer, username: str, *, role: str, password: str | None, author: Author
) -> User:
    """Add a user to the domain and note it in the log, without the password.

    Raises ``Conflict`` when the name is taken or cannot be a name.
    """
    _check_username(username)
    if find_user(w, username) is not None:
        text = f"User '{username}' already exists in domain '{w.domain}'"
        raise Conflict(text)
    hashed = None if password is None else hash_password(password)
    now = now_micros()
    user = User(w.domain, new_id(), username, role, hashed, 1, now)
    w.conn.insert(users, [user])
    details = {"user": user.user_id, "username": username, "role": role}
    record_directory(w, "user created", details, user_id=author.user_id, now=now)
    return user


def deactivate_user(w: Writer, user_id: str, *, author: Author) -> None:
    """Close the door to a user; the row and the history stay."""
    w.conn.run(_SET_ACTIVE, of_domain=w.domain, of_user=user_id, active=0)
    record_directory(
        w,
        "user deactivated",
        {"user": user_id},
        user_id=author.user_id,
        now=now_micros(),
    )


def _check_username(username: str) -> None:
    """Refuse what a sign-in could not carry: the name ends at the first colon."""
    if not username.strip() or ":" in username or not username.isprintable():
        text = "A username is printable text without a colon"
        raise Conflict(text)
    if len(username) > USERNAME_LIMIT:
        text = f"A username has at most {USERNAME_LIMIT} characters"
        raise Conflict(text)
