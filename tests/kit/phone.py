"""A phone of a test: forms as it sends them, restores as it reads them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

CASE = "{http://commcarehq.org/case/transaction/v2}"
OPENROSA = "{http://openrosa.org/http/response}"
SYNC = "{http://commcarehq.org/sync}"

_numbers = itertools.count(1)


def block(
    case_id: str,
    *,
    create: dict[str, str] | None = None,
    update: dict[str, str] | None = None,
    index: dict[str, tuple[str, str, str]] | None = None,
    close: bool = False,
    at: str = "2024-03-05T07:14:00.000000Z",
    user: str = "",
) -> str:
    """Return a case block; an index is its target, its case type and how it relates."""
    parts = []
    for name, values in (("create", create), ("update", update)):
        if values is not None:
            inner = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in values.items())
            parts.append(f"<{name}>{inner}</{name}>")
    if index:
        inner = "".join(
            f'<{n} case_type="{kind}" relationship="{how}">{escape(target)}</{n}>'
            for n, (target, kind, how) in index.items()
        )
        parts.append(f"<index>{inner}</index>")
    parts.append("<close/>" * close)
    return (
        f'<case xmlns="http://commcarehq.org/case/transaction/v2" '
        f'case_id={quoteattr(case_id)} user_id={quoteattr(user)} date_modified="{at}">'
        f"{''.join(parts)}</case>"
    )


def a_form(*blocks: str, user: str, form_id: str | None = None) -> bytes:
    """Return a form of a user with case blocks."""
    made = form_id or f"form-{next(_numbers)}"
    return (
        f'<data xmlns="http://example.org/visit">{"".join(blocks)}'
        f'<meta xmlns="http://openrosa.org/jr/xforms"><instanceID>{made}</instanceID>'
        f"<userID>{escape(user)}</userID></meta></data>"
    ).encode()


@dataclass
class Restored:
    """A restore as a phone reads it."""

    root: Any
    restore_id: str
    cases: dict[str, Any] = field(default_factory=dict)

    def values(self, case_id: str, action: str = "update") -> dict[str, str | None]:
        """Return what an action of a case says."""
        found = self.cases[case_id].find(CASE + action)
        if found is None:
            return {}
        return {child.tag.removeprefix(CASE): child.text for child in found}


def read_restore(body: bytes) -> Restored:
    """Return what a body restores; fails the test if it is none."""
    root = etree.fromstring(body)
    assert root.tag == f"{OPENROSA}OpenRosaResponse", body
    message = root.find(f"{OPENROSA}message")
    assert message.get("nature") == "ota_restore_success", body
    sync = root.find(f"{SYNC}Sync")
    assert sync[0].tag == f"{SYNC}restore_id"
    assert sync[0].text
    found = Restored(root, sync[0].text)
    for case in root.iterchildren(f"{CASE}case"):
        assert case.get("case_id") not in found.cases
        found.cases[case.get("case_id")] = case
    return found
