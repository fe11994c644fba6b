"""Answers that are kept under an ``Idempotency-Key``, in the commit of what they tell.

A client that sends a request again under its key gets the answer that it missed, and
nothing is done twice: the answer stands in the transaction of the write, so there is
never one without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import bindparam, select

from ledger.entry import Answer, IdempotencyKey
from ledger.errors import Conflict
from ledger.storage.connection import Connection, Statement
from ledger.storage.dialect import in_list
from ledger.tables import idempotency
from ledger.times import Micros

_UNDER_KEYS = Statement(
    select(
        idempotency.c.user_id,
        idempotency.c.key,
        idempotency.c.request_sha256,
        idempotency.c.status,
        idempotency.c.response,
    ).where(
        idempotency.c.domain == bindparam("domain"),
        in_list(idempotency.c.key, "keys"),
    )
)


class KeptAnswers:
    """The answers under the keys that the commands of one transaction name."""

    def __init__(self, domain: str) -> None:
        """Start with none."""
        self._domain = domain
        self._known: dict[tuple[str, str], tuple[bytes, Answer]] = {}
        self._new: list[tuple[Any, ...]] = []

    def __contains__(self, user_and_key: object) -> bool:
        return user_and_key in self._known

    def ask(self, conn: Connection, keys: Collection[str]) -> Callable[[], None]:
        """Ask what was answered under keys, by whichever user; return how to get it."""
        rows = conn.ask(_UNDER_KEYS, domain=self._domain, keys=list(keys))

        def get() -> None:
            for user_id, key, sha256, status, body in rows():
                self._known[user_id, key] = (sha256, Answer(status, body))

        return get

    def under(self, key: IdempotencyKey) -> Answer | None:
        """Return what was answered under a key; raises ``Conflict``.

        The same key with another request is a mistake of the sender.
        """
        kept = self._known.get((key.user_id, key.key))
        if kept is None:
            return None
        sha256, answer = kept
        if sha256 != key.request_sha256:
            text = "This Idempotency-Key was used with another request"
            raise Conflict(text, field="Idempotency-Key")
        return answer

    def keep(self, key: IdempotencyKey, answer: Answer, *, now: Micros) -> None:
        """Keep an answer under its key."""
        self._known[key.user_id, key.key] = (key.request_sha256, answer)
        self._new.append(
            (
                self._domain,
                key.user_id,
                key.key,
                key.request_sha256,
                answer.status,
                answer.body,
                now,
            )
        )

    def save(self, conn: Connection) -> None:
        """Write the answers that are new."""
        conn.insert_new(idempotency, self._new)
