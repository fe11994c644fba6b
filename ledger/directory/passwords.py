"""Password hashes: argon2id with the library's defaults.

A verification costs tens of milliseconds of processor time on purpose, so callers in
the server run these functions in a thread.
"""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

_HASHER = PasswordHasher()
_NOBODY = _HASHER.hash("the password of nobody")


def hash_password(password: str) -> str:
    """Return the encoded hash of a password, salt and costs included."""
    return _HASHER.hash(password)


def verify_password(password: str, encoded: str | None) -> bool:
    """Tell whether a password belongs to a hash.

    Without a hash the same work is done for nothing, so that the time of an answer does
    not tell whether a user exists (``rules/case-api-v2.md`` 2).
    """
    try:
        matches = _HASHER.verify(encoded or _NOBODY, password)
    except (Argon2Error, InvalidHashError, UnicodeEncodeError):
        return False
    return bool(matches) and encoded is not None
