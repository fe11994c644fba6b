"""Who is asking: credentials of a request to a member of its domain.

What has been verified is remembered for a minute under a keyed digest of the header,
so that a busy client costs one argon2 in a minute and no memory ever holds a secret.
The user's row, and the key's, are read again every few seconds: a revoked key or a
closed account is out within that time, in every process.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION

from api.permissions import Principal, granted
from api.problems import InactiveUser, Problem, not_a_member, throttled, unauthenticated
from ledger.directory.api_keys import ApiKey, digest_key, get_key, keys_of_user
from ledger.directory.passwords import verify_password
from ledger.directory.users import User, find_everywhere, find_user, get_user
from ledger.errors import NotFound
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


class Credentials(NamedTuple):
    """What an ``Authorization`` header says; the secret may be a password or a key."""

    username: str
    secret: str
    may_be_password: bool


@dataclass(slots=True)
class _Known:
    principal: Principal
    password_hash: str | None
    until: float
    fresh_until: float


class Authenticator:
    """Checks credentials against the directory and remembers what it found."""

    def __init__(
        self, store: Store, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with an empty memory and a fresh secret for its keys."""
        self._store = store
        self._clock = clock
        self._pepper = secrets.token_bytes(32)
        self._known: dict[tuple[str, bytes], _Known] = {}
        self._running: dict[tuple[str, bytes], asyncio.Task[_Known]] = {}
        self._waiting = 0
        self._threads = ThreadPoolExecutor(
            max_workers=_PASSWORD_THREADS, thread_name_prefix="caseledger-auth"
        )

    async def authenticate(self, request: web.Request, domain: str) -> Principal:
        """Return the member of the domain whose credentials the request carries.

        Raises a ``Problem``: 401 without valid credentials, 403 for a member of
        another domain, 429 when too many passwords wait to be checked
        (``case-api-v2.md`` section 2).
        """
        header = request.headers.get(AUTHORIZATION)
        if header is None:
            raise unauthenticated()
        raw = header.encode("utf-8", "surrogateescape")
        key = (domain, blake2b(raw, key=self._pepper, digest_size=32).digest())
        known = self._known.get(key)
        if known is not None and self._clock() < known.fresh_until:
            return known.principal
        return (await self._renewed(key, header, known)).principal

    def close(self) -> None:
        """Stop the threads that check passwords."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _renewed(
        self, key: tuple[str, bytes], header: str, known: _Known | None
    ) -> _Known:
        if known is not None and self._clock() < known.until:
            fresh = await self._reread(known)
            if fresh is not None:
                return self._remember(key, fresh)
        self._known.pop(key, None)
        return await self._verified_once(key, header)

    async def _reread(self, known: _Known) -> _Known | None:
        domain = known.principal.domain
        principal = await self._store.read(domain, lambda r: _still_valid(r, known))
        if principal is None:
            return None
        fresh_until = self._clock() + FRESH_FOR
        return _Known(principal, known.password_hash, known.until, fresh_until)

    async def _verified_once(self, key: tuple[str, bytes], header: str) -> _Known:
        """Verify a header that many requests may carry at the same moment once."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._verify(key[0], header))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))
        # One client that hangs up must not fail the others that wait.
        return self._remember(key, await asyncio.shield(task))

    async def _verify(self, domain: str, header: str) -> _Known:
        credentials = read_header(header)
        user, keys = await self._account(domain, credentials.username)
        if user is None:
            raise await self._stranger(domain, credentials)
        key = matching_key(keys, credentials.secret)
        if key is None and not await self._password_fits(user, credentials):
            raise unauthenticated()
        if not user.active:
            raise InactiveUser
        now = self._clock()
        password_hash = user.password_hash if key is None else None
        return _Known(
            _principal(user, key), password_hash, now + VERIFIED_FOR, now + FRESH_FOR
        )

    async def _account(
        self, domain: str, username: str
    ) -> tuple[User | None, list[ApiKey]]:
        if not domain.isprintable():
            return None, []
        try:
            return await self._store.read(domain, lambda r: _read_account(r, username))
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
        if self._waiting >= _PASSWORDS_WAITING:
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
        return unauthenticated()

    def _remember(self, key: tuple[str, bytes], known: _Known) -> _Known:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[key] = known
        return known


def read_header(header: str) -> Credentials:
    """Return what an ``Authorization`` header says (``case-api-v2.md`` section 2).

    Raises the 401 ``Problem`` for a scheme we do not know or a malformed value.
    """
    scheme, _, value = header.strip().partition(" ")
    kind, text = scheme.lower(), value.strip()
    if kind not in {"apikey", "basic"}:
        raise unauthenticated()
    if kind == "basic":
        text = _decode_basic(text)
    username, _, secret = text.partition(":")
    if not secret or not username.isprintable():
        raise unauthenticated()
    return Credentials(username, secret, may_be_password=kind == "basic")


def matching_key(keys: list[ApiKey], secret: str) -> ApiKey | None:
    """Return the key in use that a secret is, comparing digests in constant time."""
    digest = digest_key(secret)
    for key in keys:
        if hmac.compare_digest(key.key_sha256, digest) and key.revoked_on is None:
            return key
    return None


def _decode_basic(value: str) -> str:
    """Return the text of a Basic header: UTF-8, else Latin-1 as HQ falls back."""
    try:
        raw = base64.b64decode(value, validate=True)
    except ValueError:
        return ""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _read_account(r: Reader, username: str) -> tuple[User | None, list[ApiKey]]:
    user = find_user(r, username)
    if user is None:
        return None, []
    return user, keys_of_user(r.conn, r.domain, user.user_id)


def _elsewhere(store: Store, username: str) -> list[tuple[User, list[ApiKey]]]:
    conn = store.connection
    users = find_everywhere(conn, username, most=_OTHER_DOMAINS)
    return [
        (user, keys_of_user(conn, user.domain, user.user_id))
        for user in users
        if user.active
    ]


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
        role=user.role,
        key_id=None if key is None else key.key_id,
        permissions=granted(user.role, reading_only=reading_only),
    )
