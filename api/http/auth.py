"""Who is asking: credentials of a request to a member of its domain.

What has been verified is remembered under a keyed digest of the header while it is in
use, so that a busy client costs one argon2 and no memory ever holds a secret. The
user's row, and the key's, are read again every few seconds: a revoked key, a closed
account or an old password is out within that time, in every process.

Passwords that are not known yet are verified a few at a time, in turns between the
addresses that they come from (``turns.py``), those of guessers last, and not after too
many failures (``guesses.py``).
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b

from aiohttp import web

from api.http.guesses import Guess, Guesses, TryLimits
from api.http.turns import Turns
from api.wire.addresses import counted_as
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
    unauthenticated,
)
from ledger.directory.api_keys import digest_key, find_key, get_key, keys_of_user
from ledger.directory.passwords import verify_password
from ledger.directory.usernames import worker_name
from ledger.directory.users import find_everywhere, find_user, get_user
from ledger.directory.values import ApiKey, User
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

VERIFIED_FOR = 3600.0
"""Seconds without use after which a verified credential is verified again."""
FRESH_FOR = 5.0
"""Seconds after which the rows behind a credential are read again."""

_REMEMBERED = 10_000
_PASSWORD_THREADS = 2
_PASSWORDS_WAITING = 64
_OTHER_DOMAINS = 3


_Key = tuple[str, bytes]
"""A domain, and the digest of what was presented to it."""


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
        limits: TryLimits | None = None,
    ) -> None:
        """Start with an empty memory and a fresh secret for its keys."""
        self._store = store
        self.clock = clock
        self.guesses = Guesses(store, limits)
        self.turns = Turns(
            at_once=_PASSWORD_THREADS,
            most_waiting=_PASSWORDS_WAITING,
            standing=self.guesses.standing,
        )
        self._pepper = secrets.token_bytes(32)
        self._known: dict[_Key, _Known] = {}
        self._running: dict[tuple[_Key, str], asyncio.Task[_Known]] = {}
        self._threads = ThreadPoolExecutor(
            max_workers=_PASSWORD_THREADS, thread_name_prefix="caseledger-auth"
        )

    async def authenticate(
        self, request: web.Request, domain: str, *, present: Present = by_authorization
    ) -> Principal:
        """Return the member of the domain whose credentials the request carries.

        Raises a ``Problem``: 401 without valid credentials, 403 for a member of
        another domain and for a key that is meant for other paths, 429 after too many
        failures and when too many passwords wait to be checked
        (``rules/case-api-v2.md`` 2).
        """
        presented = present(request.headers)
        principal = await self._member(domain, presented, request)
        if principal.scope is not None:
            check_scope(principal.scope, request.path)
        return principal

    async def _member(
        self, domain: str, presented: Presented, request: web.Request
    ) -> Principal:
        raw = presented.text.encode("utf-8", "surrogateescape")
        # The same text may mean another thing to another API.
        person = presented.read.__name__.encode()[:16]
        digest = blake2b(raw, key=self._pepper, digest_size=32, person=person)
        key = (domain, digest.digest())
        known = self._known.get(key)
        if known is not None and self.clock() < known.fresh_until:
            return known.principal
        if known is not None and self.clock() < known.until:
            fresh = await self._reread(known)
            if fresh is not None:
                return self._remember(key, fresh).principal
        self._known.pop(key, None)
        address = counted_as(request.remote or "")
        return (await self._verified_once(key, presented, address)).principal

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
        self.guesses.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _reread(self, known: _Known) -> _Known | None:
        domain = known.principal.domain
        principal = await self._store.read(domain, lambda r: _still_valid(r, known))
        if principal is None:
            return None
        return self._known_now(principal, known.password_hash)

    async def _verified_once(
        self, key: _Key, presented: Presented, address: str
    ) -> _Known:
        """Verify a header that many requests may carry at the same moment once."""
        task = self._running.get((key, address))
        if task is None:
            task = asyncio.create_task(self._verify(key[0], presented, address))
            self._running[key, address] = task
            task.add_done_callback(lambda _: self._running.pop((key, address), None))
        # One client that hangs up must not fail the others that wait.
        return self._remember(key, await asyncio.shield(task))

    async def _verify(self, domain: str, presented: Presented, address: str) -> _Known:
        credentials = presented.read(presented.text)
        user, keys = await self._account(domain, credentials)
        if user is None:
            raise await self._stranger(domain, credentials, address)
        key = matching_key(keys, credentials.secret)
        if key is None and not await self._password_fits(
            [user], credentials, _guess(domain, credentials, address)
        ):
            raise _not_valid(credentials)
        if not user.active:
            raise InactiveUser
        return self._known_now(
            _principal(user, key), user.password_hash if key is None else None
        )

    def _known_now(self, principal: Principal, password_hash: str | None) -> _Known:
        now = self.clock()
        return _Known(principal, password_hash, now + VERIFIED_FOR, now + FRESH_FOR)

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

    async def _password_fits(
        self,
        users: Sequence[User | None],
        credentials: Credentials,
        guess: Guess,
        *also: Guess,
    ) -> bool:
        """Tell whether a password is that of one of the users; count it if it is not.

        Raises the 429 ``Problem``. ``also`` are other accounts that it was tried on.
        """
        if not credentials.may_be_password:
            await self.guesses.note_wrong_key(guess.address)
            return False
        await self.guesses.admit(guess)
        async with self.turns.turn(self.guesses.party(guess)):
            # What was guessed meanwhile counts too.
            await self.guesses.admit(guess)
            loop = asyncio.get_running_loop()
            fits = await loop.run_in_executor(
                self._threads, _any_fits, users, credentials.secret
            )
        if not fits:
            await self.guesses.note_failures(guess, *also)
        elif users[0] is not None:
            self.guesses.remember(guess)
        return fits

    async def _stranger(
        self, domain: str, credentials: Credentials, address: str
    ) -> Problem:
        """Return the refusal of a name that the domain does not know.

        Whoever proves to be a member of another domain learns that this one is
        closed to them; everybody else learns nothing, in the same time.
        """
        if credentials.username is None:
            await self.guesses.note_wrong_key(address)
            return UnknownKey()
        # However many domains a guesser makes up, of its own a name has one count.
        anywhere = Guess(credentials.username.lower(), address)
        others = await self._elsewhere(credentials, anywhere)
        for _, keys in others:
            if matching_key(keys, credentials.secret) is not None:
                return not_a_member(domain)
        users: list[User | None] = [user for user, _ in others]
        guess = _guess(domain, credentials, address)
        if await self._password_fits(users or [None], credentials, guess, anywhere):
            return not_a_member(domain)
        return _not_valid(credentials)

    async def _elsewhere(
        self, credentials: Credentials, anywhere: Guess
    ) -> list[tuple[User, list[ApiKey]]]:
        """Return who has this name in other domains, unless that was tried too often.

        Then it is as if nobody had it: nothing is told of a name that is not told of
        every name.
        """
        if credentials.may_be_password and not await self.guesses.has_room(anywhere):
            return []
        username = credentials.username or ""
        return await self._store.aside(lambda: _elsewhere(self._store, username))

    def _remember(self, key: _Key, known: _Known) -> _Known:
        # What is renewed goes to the end, so that what nobody uses is forgotten first.
        self._known.pop(key, None)
        if len(self._known) >= _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[key] = known
        return known


def matching_key(keys: list[ApiKey], secret: str) -> ApiKey | None:
    """Return the key in use that a secret is, comparing digests in constant time."""
    digest = digest_key(secret)
    for key in keys:
        if hmac.compare_digest(key.key_sha256, digest) and key.revoked_on is None:
            return key
    return None


def _guess(domain: str, credentials: Credentials, address: str) -> Guess:
    """Return what a guess counts for: however the name of a worker is written."""
    name = worker_name(domain, credentials.username or "").lower()
    return Guess(f"{domain}/{name}", address)


def _any_fits(users: Sequence[User | None], secret: str) -> bool:
    """Tell whether a password is one user's; of nobody's too it costs as much."""
    return any(
        verify_password(secret, None if user is None else user.password_hash)
        for user in users
    )


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
