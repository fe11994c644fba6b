"""What a request presents to show who sends it, and how that is read. Pure.

Each family of APIs has its way to present credentials (``dialects.py``); who they
belong to is found out in one place (``api/http/auth.py``).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import parse_qsl

from api.wire.problems import unauthenticated

AUTHORIZATION = "Authorization"
USERNAME = "username"
API_KEY = "api_key"
"""Where HQ takes a key in the query string (``rules/hq-frame.md`` 1.2)."""


class Credentials(NamedTuple):
    """What was presented; the secret may be a password or a key.

    Without a username the secret is a key that says by itself whose it is.
    """

    username: str | None
    secret: str
    may_be_password: bool


@dataclass(frozen=True, slots=True)
class Presented:
    """The text of a header, and how it is to be read."""

    text: str
    read: Callable[[str], Credentials]


Present = Callable[[Mapping[str, str]], Presented]
"""Finds what the headers of a request present; raises the 401 ``Problem``."""


def by_authorization(headers: Mapping[str, str]) -> Presented:
    """Return the ``Authorization`` header; raises the 401 ``Problem`` without one."""
    header = headers.get(AUTHORIZATION)
    if header is None:
        raise unauthenticated()
    return Presented(header, read_header)


def read_header(header: str) -> Credentials:
    """Return what an ``Authorization`` header says (``rules/case-api-v2.md`` 2).

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


def by_query(query: str) -> Presented:
    """Return the ``username`` and ``api_key`` of a query string.

    Raises the 401 ``Problem`` where one of them is missing.
    """
    given = dict(parse_qsl(query, errors="surrogateescape"))
    username, key = given.get(USERNAME, ""), given.get(API_KEY, "")
    if not username or not key:
        raise unauthenticated()
    return Presented(f"{username}:{key}", read_pair)


def read_pair(text: str) -> Credentials:
    """Return the credentials of a username and a key, joined by a colon."""
    username, _, secret = text.partition(":")
    if not secret or not username.isprintable():
        raise unauthenticated()
    return Credentials(username, secret, may_be_password=False)


def read_key(text: str) -> Credentials:
    """Return the credentials of a key that comes without a username."""
    return Credentials(None, text, may_be_password=False)


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
