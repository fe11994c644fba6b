"""Whether a form that was sent is for the ledger: the verdict before any lock. Pure.

The rules are ``rules/submission.md`` 1.1.6, 1.2.6 and 1.2.7.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from api.wire.permissions import Principal
from ledger.forms.case_block import CaseBlock
from ledger.forms.form import Form

_DEMO_USER: Final = "demo_user"
_DEMO_IDS: Final = frozenset({_DEMO_USER, "demo_user_group_id", "", None})


class Verdict(Enum):
    """What becomes of a form before the ledger sees it."""

    TAKE = "take"
    IGNORE = "ignore"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends: a member of the domain, or nobody that is known."""

    principal: Principal | None = None
    may_send_all: bool = True


ANYBODY = Sender()
"""Whoever sends to an open domain."""

DEMO_USER = Sender(may_send_all=False)
"""Who does without credentials, and may send what is the demo user's only."""


def judge(
    form: Form | None, sender: Sender, *, practises: bool, owners: Iterable[str]
) -> Verdict:
    """Return what becomes of a form, ``None`` for bytes that are none.

    ``owners`` are those of the cases that a form of the demo user touches.
    """
    if sender.may_send_all:
        known = form is not None and not is_demo(form)
        return Verdict.IGNORE if practises and known else Verdict.TAKE
    if form is not None and is_demo(form) and _DEMO_IDS.issuperset(owners):
        return Verdict.TAKE
    return Verdict.IGNORE if practises else Verdict.REFUSE


def is_demo(form: Form) -> bool:
    """Tell whether a form is the demo user's own, or a device log (rule 1.2.6).

    What it touches must be the demo user's as well; cases that exist are looked at
    by ``demo_case_ids``.
    """
    if form.is_device_log:
        return True
    return form.meta.user_id == _DEMO_USER and all(map(_is_demo_block, form.blocks))


def demo_case_ids(form: Form) -> list[str]:
    """Return the cases that a demo form touches or points at."""
    touched = {block.case_id for block in form.blocks}
    touched.update(index.case_id for block in form.blocks for index in block.indices)
    touched.update(form.ledger_case_ids)
    return sorted(touched - {""})


def _is_demo_block(block: CaseBlock) -> bool:
    owners = (
        values.get("owner_id")
        for values in (block.create, block.update)
        if values is not None
    )
    return block.user_id in _DEMO_IDS and all(owner in _DEMO_IDS for owner in owners)
