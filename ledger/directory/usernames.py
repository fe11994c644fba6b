"""Usernames: what may be one, and the full name of a mobile worker.

A mobile worker's name is ``NAME@DOMAIN.commcarehq.org`` in lower case
(``rules/hq-apis.md`` 6.1); everywhere a worker is named, the part before the ``@``
will do.
"""

from __future__ import annotations

import re

from ledger.errors import Conflict

USERNAME_LIMIT = 255
_SUFFIX = ".commcarehq.org"
_WORKER = re.compile(r"\.?[a-z0-9_+-]+(\.[a-z0-9_+-]+)*\.?")
_RESERVED = frozenset({"admin", "demo_user"})


def worker_suffix(domain: str) -> str:
    """Return what the names of the mobile workers of a domain end in."""
    return f"@{domain.lower()}{_SUFFIX}"


def worker_name(domain: str, name: str) -> str:
    """Return the full username of a mobile worker, which may be full already.

    An address of its own, such as ``nima@clinic.example``, stays as it is.
    """
    lowered = name.strip().lower()
    if "@" in lowered.removesuffix(worker_suffix(domain)):
        return name
    return lowered.removesuffix(worker_suffix(domain)) + worker_suffix(domain)


def names_meant(domain: str, name: str) -> tuple[str, ...]:
    """Return the usernames that a name may stand for: as it is written, then full."""
    return (name, name.lower() if "@" in name else worker_name(domain, name))


def owners_meant(domain: str, name: str) -> tuple[str, ...]:
    """Return the usernames that the name of an owner may stand for, in that order.

    One without ``@`` is first of all a mobile worker's (``rules/excel-import.md`` 10).
    """
    names = names_meant(domain, name)
    return names if "@" in name else names[::-1]


def check_username(username: str) -> None:
    """Refuse what a sign-in could not carry: the name ends at the first colon."""
    if not username.strip() or ":" in username or not username.isprintable():
        text = "A username is printable text without a colon"
        raise Conflict(text, field="username")
    if len(username) > USERNAME_LIMIT:
        text = f"A username has at most {USERNAME_LIMIT} characters"
        raise Conflict(text, field="username")


def check_worker_name(domain: str, username: str) -> None:
    """Refuse a full username that no mobile worker may have (rule 6.3)."""
    check_username(username)
    name = username.removesuffix(worker_suffix(domain))
    if "@" in name:
        return
    if _WORKER.fullmatch(name) is None:
        raise Conflict(
            "The username of a mobile worker has only letters, digits, '.', '_', '-' "
            "and '+', and no two dots in a row",
            field="username",
        )
    if name in _RESERVED:
        raise taken(username)


def taken(username: str) -> Conflict:
    """Return the refusal of a worker's name that somebody has (rule 6.3).

    Clients look for ``already taken`` in it, and then go on with who is there.
    """
    text = f"Username '{username}' is already taken or reserved."
    return Conflict(text, field="username")
