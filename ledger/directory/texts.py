"""Texts of the directory: what may be a name, and the slug of one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from ledger.errors import Conflict
from ledger.forms.names import is_legal

NAME_LIMIT = 255
VALUE_LIMIT = 10_000

_NOT_OF_A_SLUG = re.compile(r"[^a-z0-9_-]+")


def checked_text(field: str, text: str) -> str:
    """Return a text of a record without blanks around it.

    Raises ``Conflict`` for one that is too long or that XML could not carry to a phone.
    """
    found = text.strip()
    if len(found) > NAME_LIMIT or not is_legal(found):
        raise Conflict(
            f"'{field}' must be text of at most {NAME_LIMIT} characters, "
            f"without control characters",
            field=field,
        )
    return found


def checked_value(field: str, text: str) -> str:
    """Return a custom value as it is; raises ``Conflict`` as for a name."""
    if len(text) > VALUE_LIMIT or not is_legal(text):
        raise Conflict(
            f"'{field}' must hold text of at most {VALUE_LIMIT} characters, "
            f"without control characters",
            field=field,
        )
    return text


def slug(text: str, *, default: str) -> str:
    """Return a text in lower-case letters, digits, ``-`` and ``_``; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _NOT_OF_A_SLUG.sub("", re.sub(r"\s+", "_", plain.lower().strip())) or default


def without_case(text: str) -> str:
    """Return what texts share that differ in upper and lower case alone."""
    return unicodedata.normalize("NFC", text).casefold()


def listed(ids: Iterable[str]) -> str:
    """Return ids as a message names them."""
    return ", ".join(sorted(ids))
