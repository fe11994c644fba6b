"""What a query string asks of the lists of mobile workers. Pure.

The rules are those of ``rules/hq-apis.md`` 6.2 and 6.6.
"""

from __future__ import annotations

from typing import NamedTuple

from api.users.wire import BULK_KEYS
from api.wire.credentials import API_KEY, USERNAME
from api.wire.hq_query import HqQuery
from api.wire.problems import at_fault
from ledger.directory.texts import without_case
from ledger.directory.usernames import names_meant
from ledger.directory.values import User, WhichUsers
from ledger.forms.names import printable


class BulkQuery(NamedTuple):
    """Words that a worker must have, and the keys to show; all without ``fields``."""

    words: tuple[str, ...]
    keys: tuple[str, ...]


def which_workers(query: HqQuery, domain: str) -> WhichUsers:
    """Return which workers a list is of; raises a 400 for what is not counted here.

    What HQ ignores is ignored. A username beside a key says who asks.
    """
    if query.says_yes("extras"):
        raise at_fault("extras", "'extras' cannot be asked for: forms are not counted")
    name = query.text(USERNAME) if query.text(API_KEY) is None else None
    return WhichUsers(
        workers=True,
        active=not query.says_yes("archived"),
        group_id=query.text("group") or None,
        usernames=names_meant(domain, name) if name else None,
    )


def bulk_query(query: HqQuery) -> BulkQuery:
    """Return what the list ``bulk-user`` is asked for; raises a 400."""
    asked = [value for name, value in query.pairs if name == "fields"]
    for key in asked:
        if key not in BULK_KEYS:
            raise at_fault("fields", f"{printable(key)} is not a valid field")
    words = without_case(query.text("q") or "").split()
    keys = tuple(key for key in BULK_KEYS if not asked or key in asked)
    return BulkQuery(tuple(words), keys)


def has_words(user: User, words: tuple[str, ...]) -> bool:
    """Tell whether each word stands in a name, an address or a telephone."""
    about = user.profile
    texts = (user.username, about.first_name, about.last_name, about.email)
    found = without_case("\n".join((*texts, *about.phone_numbers)))
    return all(word in found for word in words)
