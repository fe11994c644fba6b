"""Ids: the only place that makes random ones."""

from __future__ import annotations

import uuid

_NAMESPACE = uuid.UUID("6f1d5a3e-8d0b-5c7e-9f43-c1a5e1ed9e01")


def new_id() -> str:
    """Return a random id as UUID text, lower case with dashes."""
    return str(uuid.uuid4())


def new_form_id() -> str:
    """Return a random id as 32 hex digits (``case-api-v2.md`` section 8)."""
    return uuid.uuid4().hex


def new_hex_id() -> str:
    """Return a random id as 32 hex digits (``commcare-hq-apis.md`` section 6.1)."""
    return uuid.uuid4().hex


def derived_id(scope: str, *parts: str) -> str:
    """Return the id that the same scope and parts always give (UUID version 5)."""
    return str(uuid.uuid5(_NAMESPACE, "\x1f".join((scope, *parts))))
