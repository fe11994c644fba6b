"""Password hashes: argon2id with the library's defaults.

A verification costs tens of milliseconds of processor time on purpose, so callers in
the server run these functions in a thread.
"""

from __future__ import annotations

from base64 import b64encode

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_HASHER = PasswordHasher()
_V13 = 19
"""How an encoded hash names version 1.3 of Argon2, which the library makes."""


def _of_nobody() -> str:
    """Return a hash that nobody's password has, with the costs of all others.

    It is written and not computed: a hash takes 64 MB, which every process would have
    to have had before it serves.
    """
    costs = f"m={_HASHER.memory_cost},t={_HASHER.time_cost},p={_HASHER.parallelism}"
    salt, digest = map(_text, (bytes(_HASHER.salt_len), bytes(_HASHER.hash_len)))
    return f"$argon2id$v={_V13}${costs}${salt}${digest}"


def _text(value: bytes) -> str:
    return b64encode(value).decode().rstrip("=")


NOBODY = _of_nobody()
"""What is verified for a user who does not exist."""


def hash_password(password: str) -> str:
    """Return the encoded hash of a password, salt and costs included."""
    return _HASHER.hash(password)


def verify_password(password: str, encoded: str | None) -> bool:
    """Tell whether a password belongs to a hash.

    Without a hash the same work is done for nothing, so that the time of an answer does
    not tell whether a user exists (``rules/case-api-v2.md`` 2).
    """
    try:
        matches = _HASHER.verify(encoded or NOBODY, password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return bool(matches) and encoded is not None
