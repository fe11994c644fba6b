"""Ids: the only place that makes random ones."""

from __future__ import annotations

import base64
import secrets
import uuid

_NAMESPACE = uuid.UUID("6f1d5a3e-8d0b-5c7e-9f43-c1a5e1ed9e01")


def new_id() -> str:
    """Return a random id as UUID text, lower case with dashes."""
    return str(uuid.uuid4())


def new_form_id() -> str:
    """Return a random id as 32 hex digits (``rules/case-api-v2.md`` 8)."""
    return uuid.uuid4().hex


def new_hex_id() -> str:
    """Return a random id as 32 hex digits (``rules/hq-apis.md`` 6.1)."""
    return uuid.uuid4().hex


def new_token() -> str:
    """Return 44 random letters, digits, ``_`` and ``-``.

    The first and the last are letters or digits (``rules/batch-imports.md`` 1.1c).
    """
    text = base64.b64encode(secrets.token_bytes(33), altchars=b"_-").decode()
    return f"{_plain(text[0])}{text[1:-1]}{_plain(text[-1])}"


def _plain(char: str) -> str:
    return char if char.isalnum() else "0"


def derived_id(scope: str, *parts: str) -> str:
    """Return the id that the same scope and parts always give (UUID version 5)."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join((scope, *parts))))


def derived_hex_id(scope: str, *parts: str) -> str:
    """Return the same as 32 hex digits."""
    return derived_id(scope, *parts).replace("-", "")
