"""Who is asking: credentials of a request to a member of its domain.

What has been verified is remembered for a minute under a keyed digest of the header,
so that a busy client costs one argon2 in a minute and no memory ever holds a secret.
The user's row, and the key's, are read again every few seconds: a revoked key or a
closed account is out within that time, in every process.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b

from aiohttp import web

from api.wire.credentials import (
    Credentials,
    Present,
    Presented,
    by_authorization,
    read_header,
)
from api.wire.permissions import Principal, check_scope, granted
from api.wire.problems import (
    InactiveUser,
    NotAMember,
    Problem,
    UnknownKey,
    not_a_member,
    throttled,
    unauthenticated,
)
from ledger.directory.api_keys import digest_key, find_key, get_key, keys_of_user
from ledger.directory.passwords import verify_password
from ledger.directory.users import User, find_everywhere, find_user, get_user
from ledger.directory.values import ApiKey
from ledger.errors import NotFound
from ledger.storage.connection import Connection
from ledger.store import Reader, Store

__all__ = [
    "FRESH_FOR",
    "VERIFIED_FOR",
    "Authenticator",
    "Credentials",
    "Principal",
    "matching_key",
    "read_header",
]

VERIFIED_FOR = 60.0
"""Seconds for which a verified credential is not verified again."""
FRESH_FOR = 5.0
"""Seconds after which the rows behind a credential are read again."""

_REMEMBERED = 10_000
_PASSWORD_THREADS = 2
_PASSWORDS_WAITING = 64
_OTHER_DOMAINS = 3


@dataclass(slots=True)
class _Known:
    principal: Principal
    password_hash: str | None
    until: float
    fresh_until: float


class Authenticator:
    """Checks credentials against the directory and remembers what it found."""

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.monotonic,
        most_waiting: int = _PASSWORDS_WAITING,
    ) -> None:
        """Start with an empty memory and a fresh secret for its keys.

        Of the passwords that are not verified yet, ``most_waiting`` may wait.
        """
        self._store = store
        self.clock = clock
        self.most_waiting = most_waiting
        self._pepper = secrets.token_bytes(32)
        self._known: dict[tuple[str, bytes], _Known] = {}
        self._running: dict[tuple[str, bytes], asyncio.Task[_Known]] = {}
        self._waiting = 0
        self._threads = ThreadPoolExecutor(
            max_workers=_PASSWORD_THREADS, thread_name_prefix="caseledger-auth"
        )

    async def authenticate(
        self, request: web.Request, domain: str, *, present: Present = by_authorization
    ) -> Principal:
        """Return the member of the domain whose credentials the request carries.

        Raises a ``Problem``: 401 without valid credentials, 403 for a member of
        another domain and for a key that is meant for other paths, 429 when too many
        passwords wait to be checked (``rules/case-api-v2.md`` 2).
        """
        presented = present(request.headers)
        principal = await self._member(domain, presented)
        if principal.scope is not None:
            check_scope(principal.scope, request.path)
        return principal

    async def _member(self, domain: str, presented: Presented) -> Principal:
        raw = presented.text.encode("utf-8", "surrogateescape")
        # The same text may mean another thing to another API.
        person = presented.read.__name__.encode()[:16]
        digest = blake2b(raw, key=self._pepper, digest_size=32, person=person)
        key = (domain, digest.digest())
        known = self._known.get(key)
        if known is not None and self.clock() < known.fresh_until:
            return known.principal
        return (await self._renewed(key, presented, known)).principal

    async def authenticate_in(
        self, request: web.Request, domain: str, *, present: Present = by_authorization
    ) -> Principal:
        """Return the member, where an API says that a domain does not exist.

        It says so to members of other domains alone: who has no credentials is told
        of every name what is told of one that exists (``rules/operator.md`` 5.8).
        Raises ``NotFound``, and a ``Problem`` as ``authenticate`` does.
        """
        try:
            return await self.authenticate(request, domain, present=present)
        except NotAMember:
            if not domain.isprintable():
                raise NotFound(f"No domain with name {domain}") from None
            await self._store.read(domain, lambda _: None)
            raise

    def close(self) -> None:
        """Stop the threads that check passwords."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _renewed(
        self, key: tuple[str, bytes], presented: Presented, known: _Known | None
    ) -> _Known:
        if known is not None and self.clock() < known.until:
            fresh = await self._reread(known)
            if fresh is not None:
                return self._remember(key, fresh)
        self._known.pop(key, None)
        return await self._verified_once(key, presented)

    async def _reread(self, known: _Known) -> _Known | None:
        domain = known.principal.domain
        principal = await self._store.read(domain, lambda r: _still_valid(r, known))
        if principal is None:
            return None
        fresh_until = self.clock() + FRESH_FOR
        return _Known(principal, known.password_hash, known.until, fresh_until)

    async def _verified_once(
        self, key: tuple[str, bytes], presented: Presented
    ) -> _Known:
        """Verify a header that many requests may carry at the same moment once."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._verify(key[0], presented))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # One client that hangs up must not fail the others that wait.
        return self._remember(key, await asyncio.shield(task))

    async def _verify(self, domain: str, presented: Presented) -> _Known:
        credentials = presented.read(presented.text)
        user, keys = await self._account(domain, credentials)
        if user is None:
            raise await self._stranger(domain, credentials)
        key = matching_key(keys, credentials.secret)
        if key is None and not await self._password_fits(user, credentials):
            raise _not_valid(credentials)
        if not user.active:
            raise InactiveUser
        now = self.clock()
        password_hash = user.password_hash if key is None else None
        return _Known(
            _principal(user, key), password_hash, now + VERIFIED_FOR, now + FRESH_FOR
        )

    async def _account(
        self, domain: str, credentials: Credentials
    ) -> tuple[User | None, list[ApiKey]]:
        if not domain.isprintable():
            return None, []
        try:
            return await self._store.read(
                domain, lambda r: _read_account(r, credentials)
            )
        except NotFound:
            return None, []

    async def _password_fits(self, user: User | None, credentials: Credentials) -> bool:
        if not credentials.may_be_password:
            return False
        encoded = None if user is None else user.password_hash
        return await self._in_thread(
            lambda: verify_password(credentials.secret, encoded)
        )

    async def _in_thread(self, fn: Callable[[], bool]) -> bool:
        """Run a password check aside; refuse when too many wait already."""
        if self._waiting >= self.most_waiting:
            raise throttled(seconds=1)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, fn)
        finally:
            self._waiting -= 1

    async def _stranger(self, domain: str, credentials: Credentials) -> Problem:
        """Return the refusal of a name that the domain does not know.

        Whoever proves to be a member of another domain learns that this one is
        closed to them; everybody else learns nothing, in the same time.
        """
        if credentials.username is None:
            return UnknownKey()
        loop = asyncio.get_running_loop()
        others = await loop.run_in_executor(
            self._threads, _elsewhere, self._store, credentials.username
        )
        for user, keys in others:
            if matching_key(keys, credentials.secret) is not None:
                return not_a_member(domain)
            if await self._password_fits(user, credentials):
                return not_a_member(domain)
        if not others:
            await self._password_fits(None, credentials)
        return _not_valid(credentials)

    def _remember(self, key: tuple[str, bytes], known: _Known) -> _Known:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = known
        return known


def matching_key(keys: list[ApiKey], secret: str) -> ApiKey | None:
    """Return the key in use that a secret is, comparing digests in constant time."""
    digest = digest_key(secret)
    for key in keys:
        if hmac.compare_digest(key.key_sha256, digest) and key.revoked_on is None:
            return key
    return None


def _not_valid(credentials: Credentials) -> Problem:
    """Return the 401; some APIs tell a key that is wrong from none at all."""
    return unauthenticated() if credentials.may_be_password else UnknownKey()


def _read_account(
    r: Reader, credentials: Credentials
) -> tuple[User | None, list[ApiKey]]:
    if credentials.username is None:
        key = find_key(r, credentials.secret)
        return (None, []) if key is None else (get_user(r, key.user_id), [key])
    user = find_user(r, credentials.username)
    if user is None:
        return None, []
    return user, keys_of_user(r.conn, r.domain, user.user_id)


def _elsewhere(store: Store, username: str) -> list[tuple[User, list[ApiKey]]]:
    def look(conn: Connection) -> list[tuple[User, list[ApiKey]]]:
        users = find_everywhere(conn, username, most=_OTHER_DOMAINS)
        return [
            (user, keys_of_user(conn, user.domain, user.user_id))
            for user in users
            if user.active
        ]

    return store.look(look)


def _still_valid(r: Reader, known: _Known) -> Principal | None:
    """Return the principal as its rows are now, or nothing when they changed."""
    before = known.principal
    user = get_user(r, before.user_id)
    if user is None or not user.active:
        return None
    if before.key_id is None:
        unchanged = user.password_hash == known.password_hash
        return _principal(user, None) if unchanged else None
    key = get_key(r, before.key_id)
    if key is None or key.revoked_on is not None:
        return None
    return _principal(user, key)


def _principal(user: User, key: ApiKey | None) -> Principal:
    reading_only = key is not None and bool(key.read_only)
    return Principal(
        domain=user.domain,
        user_id=user.user_id,
        username=user.username,
        key_id=None if key is None else key.key_id,
        permissions=granted(user.role, reading_only=reading_only),
        scope=None if key is None else key.scope,
    )
