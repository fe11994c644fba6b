"""API keys: long random texts of which only the digest is kept.

A key is 32 random bytes, so a plain SHA-256 is enough: there is nothing to guess.
"""

from __future__ import annotations

import re
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, bindparam, select

from ledger.clock import now_micros
from ledger.directory.values import ApiKey
from ledger.entry import Author
from ledger.errors import Conflict, NotFound
from ledger.ids import new_id
from ledger.log import record_directory
from ledger.stated import put
from ledger.storage.connection import Connection, Statement
from ledger.tables import api_keys

if TYPE_CHECKING:
    from ledger.directory.values import User
    from ledger.store import Reader, Writer

_KEY_BYTES = 32
_SCOPE = re.compile("=?/[!-~]*")


def _where(*conditions: Any) -> Select[Any]:
    return select(*api_keys.c).where(
        api_keys.c.domain == bindparam("domain"), *conditions
    )


_OF_USER = Statement(_where(api_keys.c.user_id == bindparam("user_id")))
_BY_ID = Statement(_where(api_keys.c.key_id == bindparam("key_id")))
_BY_DIGEST = Statement(_where(api_keys.c.key_sha256 == bindparam("digest")))
_ALL = Statement(_where().order_by(api_keys.c.created_on, api_keys.c.key_id))
_EVERYWHERE = Statement(
    select(*api_keys.c).where(api_keys.c.key_id == bindparam("key_id"))
)


def digest_key(key: str) -> bytes:
    """Return what is kept of a key."""
    return sha256(key.encode("utf-8", "surrogatepass")).digest()


def keys_of_user(conn: Connection, domain: str, user_id: str) -> list[ApiKey]:
    """Return the keys of a user, revoked ones too; served by ``ix_api_keys_user``."""
    return [_key(row) for row in conn.rows(_OF_USER, domain=domain, user_id=user_id)]


def get_key(r: Reader, key_id: str) -> ApiKey | None:
    """Return the key of the domain with this id; served by the primary key."""
    row = r.conn.row(_BY_ID, domain=r.domain, key_id=key_id)
    return None if row is None else _key(row)


def find_key(r: Reader, secret: str) -> ApiKey | None:
    """Return the key of the domain that a secret is.

    Served by ``ix_api_keys_digest``.
    """
    row = r.conn.row(_BY_DIGEST, domain=r.domain, digest=digest_key(secret))
    return None if row is None else _key(row)


def list_keys(r: Reader) -> list[ApiKey]:
    """Return the keys of the domain, oldest first."""
    return [_key(row) for row in r.conn.rows(_ALL, domain=r.domain)]


def find_key_everywhere(conn: Connection, key_id: str) -> ApiKey | None:
    """Return the key with this id in any domain.

    A marked fan-out (``rules/design.md`` 1.2): the command line revokes by id alone.
    """
    row = conn.row(_EVERYWHERE, key_id=key_id)
    return None if row is None else _key(row)


def create_key(
    w: Writer,
    user: User,
    *,
    name: str,
    read_only: bool,
    author: Author,
    scope: str | None = None,
    secret: str | None = None,
) -> tuple[ApiKey, str]:
    """Give a user a new key; return its row and, this once, the key itself.

    A key with a ``scope`` is good for the paths of the domain that begin with it, or
    for the one path behind an ``=``. Raises ``Conflict`` for a scope that is no path.
    """
    if scope is not None and not _SCOPE.fullmatch(scope):
        text = f"The scope of a key is a path that begins with a slash, not '{scope}'"
        raise Conflict(text, field="scope")
    secret = secret or secrets.token_hex(_KEY_BYTES)
    now = now_micros()
    key = ApiKey(
        w.domain,
        new_id(),
        user.user_id,
        name,
        digest_key(secret),
        int(read_only),
        now,
        None,
        scope,
    )
    put(w, api_keys, [key])
    details = {"key": key.key_id, "user": user.user_id, "read_only": read_only}
    if scope is not None:
        details["scope"] = scope
    record_directory(w, "api key created", details, user_id=author.user_id, now=now)
    return key, secret


def revoke_key(w: Writer, key_id: str, *, author: Author) -> ApiKey:
    """Make a key worthless; raises ``NotFound`` when there is no such key in use."""
    key = get_key(w, key_id)
    if key is None or key.revoked_on is not None:
        text = f"There is no API key '{key_id}' in use"
        raise NotFound(text)
    now = now_micros()
    key = key._replace(revoked_on=now)
    put(w, api_keys, [key])
    details = {"key": key_id, "user": key.user_id}
    record_directory(w, "api key revoked", details, user_id=author.user_id, now=now)
    return key


def _key(row: tuple[Any, ...]) -> ApiKey:
    # PostgreSQL's driver may hand out a memoryview where SQLite hands out bytes.
    key = ApiKey(*row)
    return key._replace(key_sha256=bytes(key.key_sha256))
