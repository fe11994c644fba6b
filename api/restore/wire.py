"""What stands round the cases of a restore, as text. Pure.

Numbers of rules are those of ``rules/restore.md``.
"""

from __future__ import annotations

from typing import Final

from ledger.forms.case_text import element
from ledger.forms.schemas import RESPONSE_NS
from ledger.forms.xml_text import as_attribute, as_text
from ledger.restore.values import Account
from ledger.times import format_micros

CONTENT_TYPE: Final = "text/xml"
SYNC_NS: Final = "http://commcarehq.org/sync"
REGISTRATION_NS: Final = "http://openrosa.org/user/registration"
USER_GROUPS: Final = "user-groups"

END: Final = b"</OpenRosaResponse>"


def answer(nature: str, text: str) -> bytes:
    """Return a document that is nothing but a message."""
    return f"{_root(None)}{_message(nature, text)}".encode() + END


def head(
    account: Account, restore_id: str, *, items: int | None, fixtures: bool
) -> bytes:
    """Return what stands before the cases; ``items`` is how many children there are.

    Rules 4.1 to 4.5.
    """
    name = account.short_name
    parts = [
        _root(items),
        _message("ota_restore_success", f"Successfully restored account {name}!"),
        _sync(restore_id),
        _registration(account),
    ]
    if fixtures:
        parts.append(f"\n{_user_groups(account)}")
    return "".join(parts).encode()


HEAD_CHILDREN: Final = 3
"""How many children of the root come before fixtures and cases."""


def _root(items: int | None) -> str:
    told = "" if items is None else f' items="{items}"'
    return f'<OpenRosaResponse xmlns="{RESPONSE_NS}"{told}>'


def _message(nature: str, text: str) -> str:
    return f'<message nature="{nature}">{as_text(text)}</message>'


def _sync(restore_id: str) -> str:
    inner = element("restore_id", (), as_text(restore_id))
    return "\n" + element("Sync", (f'xmlns="{SYNC_NS}"',), inner) + "\n"


def _registration(account: Account) -> str:
    joined = format_micros(account.created_on)[:10]
    data = "".join(
        f'<data key="{as_attribute(key)}">{as_text(value)}</data>'
        for key, value in sorted(account.data.items())
    )
    return (
        f'<Registration xmlns="{REGISTRATION_NS}">'
        f"<username>{as_text(account.short_name)}</username><password/>"
        f"<uuid>{as_text(account.user_id)}</uuid><date>{joined}</date>"
        f"<user_data>{data}</user_data></Registration>"
    )


def _user_groups(account: Account) -> str:
    groups = "".join(
        f'<group id="{as_attribute(group.group_id)}">'
        f"<name>{as_text(group.name)}</name></group>"
        for group in account.groups
    )
    whose = as_attribute(account.user_id)
    inner = element("groups", (), groups)
    return f'<fixture id="{USER_GROUPS}" user_id="{whose}">{inner}</fixture>'
