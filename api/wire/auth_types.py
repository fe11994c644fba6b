"""In which way the request of a device says who sends it. Pure.

The rules are ``rules/submission.md`` 1.2.1 to 1.2.3; restores follow them too.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from api.wire.problems import Problem, unauthenticated


class AuthType(StrEnum):
    """The ways in which a secure submission says who sends it (rule 1.2.1)."""

    BASIC = "basic"
    DIGEST = "digest"
    NOAUTH = "noauth"
    API_KEY = "api_key"
    OAUTH2 = "oauth2"


_SCHEMES: Final = {
    "basic": AuthType.BASIC,
    "digest": AuthType.DIGEST,
    "apikey": AuthType.API_KEY,
    "bearer": AuthType.OAUTH2,
}
_KINDS: Final = {kind.value: kind for kind in AuthType}
_CHOICES: Final = ", ".join(_KINDS)


def auth_type(query: Mapping[str, str], authorization: str | None) -> AuthType:
    """Return how a request says that it authenticates; guessed when it says nothing.

    Raises the 400 ``Problem`` for another ``authtype``, and the 401 one for
    credentials of another kind than it names.
    """
    scheme = (authorization or "").strip().partition(" ")[0].lower()
    guessed = _SCHEMES.get(scheme, AuthType.BASIC)
    asked = query.get("authtype")
    if asked is None:
        return guessed
    if asked not in _KINDS:
        raise Problem(400, f"authtype must be one of: {_CHOICES}")
    kind = _KINDS[asked]
    if kind is not AuthType.NOAUTH and (authorization is None or kind is not guessed):
        raise unauthenticated()
    return kind
