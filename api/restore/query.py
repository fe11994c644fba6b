"""What a device asks for with a restore: its query string. Pure.

The rules are ``rules/restore.md`` 2. Parameters that nobody knows are passed over, as
phones send many.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from api.restore.dialect import NotRestored, illegal_version
from projections.restore.state_hash import PREFIX

_WEB_CLIENT: Final = "WebAppsLogin"
_SERVED: Final = frozenset({"2.0", "3.0"})
_LONGEST: Final = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreQuery:
    """What is asked for; ``state`` is a hash without its prefix.

    ``as_user`` is the name of whom to restore, ``user_id`` whom the device believes to
    be.
    """

    since: str | None = None
    state: str | None = None
    counts_items: bool = False
    as_user: str | None = None
    user_id: str | None = None
    device_id: str = ""
    skips_fixtures: bool = False

    @property
    def is_web_client(self) -> bool:
        """Tell whether a wrong hash is only noted (rule 2.5)."""
        return self.device_id.startswith(_WEB_CLIENT)


def read_query(text: str) -> RestoreQuery:
    """Return what a query string asks for; raises ``NotRestored``."""
    given = dict(parse_qsl(text, errors="replace"))
    version = given.get("version", "2.0")
    if version not in _SERVED:
        raise illegal_version(version)
    since = given.get("since")
    return RestoreQuery(
        since=since,
        state=_state(given["state"]) if since and "state" in given else None,
        counts_items=given.get("items") == "true",
        as_user=given.get("as"),
        user_id=given.get("user_id"),
        device_id=given.get("device_id", "")[:_LONGEST],
        skips_fixtures=since is not None and given.get("skip_fixtures") == "true",
    )


def _state(text: str) -> str:
    prefix, found = text[: len(PREFIX)], text[len(PREFIX) :]
    if prefix.lower() != PREFIX:
        raise NotRestored(f"state must begin with {PREFIX}")
    return found.lower()
