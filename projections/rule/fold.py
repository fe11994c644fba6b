"""The rule: what a form does to the cases it names. Pure.

No clock, no logger, no database: states and blocks in, states out, or ``Rejected``.
Numbers of rules are those of ``rules/case-xml.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any, Final, NamedTuple

from ledger.cases.case import Case, CaseAttachment, CaseIndex, FoldKey
from ledger.entry import Attachment
from ledger.errors import Rejected
from ledger.forms.case_block import CaseBlock, IndexUpdate, missing_file
from ledger.forms.case_xml import (
    IGNORED_IN_UPDATE,
    LIMITED,
    check_length,
    read_date_opened,
)
from ledger.forms.form import CASE_API_XMLNS, Form
from ledger.times import Instant, Micros

FORM = 1
LEDGER = 64
CREATE = 128
CLOSE = 256
INDEX = 512
ATTACHMENT = 1024
REBUILD = 2
REQUESTED = 4
FORM_STATE = 16
EDIT = 32
REPROCESSED = 2048
"""Bits of a transaction's type (rule 16.2)."""

DELETED = 1 << 16
RESTORED = 1 << 17
REVOKED = 1 << 18
"""Bits of our own: a case flagged or not, a form that is not in force."""


NO_FILES: Final[Mapping[str, Attachment]] = {}
"""What most forms bring; nobody alters it."""

Fields = dict[str, Any]
"""A case while one form is applied to it: every field of ``Case``, in its order."""


class Stamp(NamedTuple):
    """What the log says of a form that is being folded.

    ``position`` is that of the entry that causes the work and ``appended_on`` its
    time; ``key`` is the form's place in the fold, which an entry that runs an old form
    again keeps.
    """

    domain: str
    form_id: str
    position: int
    appended_on: Micros
    key: FoldKey
    received_on: Instant
    attachments: Mapping[str, Attachment] = NO_FILES


def blocks_by_case(form: Form) -> dict[str, list[CaseBlock]]:
    """Return the blocks of a form by case id, ids ascending, in order of application.

    Inside a case blocks are ordered by their best action (rule 7.3).
    """
    if len(form.blocks) == 1:
        (block,) = form.blocks
        return {block.case_id: [block]}
    groups: dict[str, list[CaseBlock]] = {}
    for block in sorted(form.blocks, key=attrgetter("case_id")):
        groups.setdefault(block.case_id, []).append(block)
    for blocks in groups.values():
        if len(blocks) > 1:
            blocks.sort(key=_rank)
    return groups


def touched(form: Form, groups: Mapping[str, object] | None = None) -> list[str]:
    """Return the ids of the cases a form may touch, ascending.

    ``groups`` are its blocks by case, where they are at hand.
    """
    named = blocks_by_case(form) if groups is None else groups
    if not form.ledger_case_ids:
        return list(named)
    return sorted({*named, *form.ledger_case_ids})


def apply_form(
    before: Case | None,
    blocks: Sequence[CaseBlock],
    form: Form,
    stamp: Stamp,
    *,
    place: int = 0,
) -> tuple[Case, int]:
    """Apply the blocks of one form for one case; return the case and its actions.

    ``place`` is the case's number among those the form touches: each takes its own
    microsecond of the list (``rules/design.md`` 2.5). ``blocks`` is empty for a case
    that only a ledger block names: it is touched, no more (rule 18.2). Raises
    ``Rejected``.
    """
    if before is None:
        fields = {**_EMPTY, "domain": stamp.domain, "case_id": blocks[0].case_id}
    else:
        fields = before._asdict()
    actions = FORM
    for block in blocks:
        actions |= _apply_block(fields, block, form, stamp)
    if not blocks or (
        form.ledger_case_ids and blocks[0].case_id in form.ledger_case_ids
    ):
        actions |= LEDGER
    fields["server_modified_on"] = stamp.received_on
    fields["indexed_on"] = stamp.appended_on + place
    fields["position"] = stamp.position
    fields["folded_to"] = stamp.key
    return Case._make(fields.values()), actions


def new_targets(groups: Mapping[str, Sequence[CaseBlock]]) -> list[tuple[str, str]]:
    """Return (case, target) for every index that a form leaves set.

    ``groups`` are its blocks by case. In order of validation. What one block sets and
    a later block of the same case clears or replaces is not looked at (rule 10.6).
    """
    found = []
    for case_id, blocks in groups.items():
        indices = [index for block in blocks for index in block.indices]
        if indices:
            last = {index.name: index.case_id for index in indices}
            found += [(case_id, target) for target in last.values() if target]
    return found


def missing_target(case_id: str, target: str) -> Rejected:
    """Return why an index to a case that is not there refuses a form (rule 10.5)."""
    text = f"Case '{case_id}' references non-existent case '{target}'"
    return Rejected("InvalidCaseIndex", text)


def _rank(block: CaseBlock) -> int:
    """Return the rank of a block's best action (rule 7.3)."""
    if block.create is not None:
        return 0
    if block.update is not None:
        return 1
    if block.indices:
        return 2
    if block.close:
        return 3
    return 4 if block.attachments else 1


def _apply_block(fields: Fields, block: CaseBlock, form: Form, stamp: Stamp) -> int:
    """Apply one block: create, update, close, index, attachment (rule 7.4).

    Returns its actions. No collection of the case before is altered.
    """
    user_id = block.user_id or form.meta.user_id or ""
    modified = block.date_modified or stamp.received_on
    actions = 0
    if block.create is not None:
        actions |= CREATE
        for name, value in block.create.items():
            _set_special(fields, name, value)
    if block.update is not None:
        if form.xmlns == CASE_API_XMLNS:
            _update_plainly(fields, block.update)
        else:
            _update(fields, block.update)
    if block.close:
        actions |= CLOSE
        fields["closed"] = True
        fields["closed_on"] = modified
        fields["closed_by"] = user_id
    if block.indices:
        actions |= INDEX
        _set_indices(fields, block.indices)
    if block.attachments:
        actions |= ATTACHMENT
        _attach(fields, block, stamp)
    _sign(fields, user_id, modified)
    return actions


def _sign(fields: Fields, user_id: str, modified: Instant) -> None:
    """Note who changed a case and when; the first is who opened it, and owns it."""
    if user_id:
        fields["modified_by"] = user_id
    fields["modified_on"] = max(fields["modified_on"], modified)
    if not fields["opened_on"]:
        fields["opened_on"] = modified
    if not fields["opened_by"]:
        fields["opened_by"] = user_id
    if not fields["owner_id"]:
        fields["owner_id"] = user_id


def _update(fields: Fields, update: Mapping[str, str]) -> None:
    properties = fields["properties"] = {**fields["properties"]}
    for name, value in update.items():
        if name not in _APART:
            properties[name] = value
        elif name in _SPECIAL:
            _set_special(fields, name, value)
        elif name == "name":
            fields["case_name"] = value
        elif name == "location_id":
            fields["location_id"] = value
        elif name == "hq_user_id":
            properties[name] = value
            _set_special(fields, "external_id", value)


def _update_plainly(fields: Fields, update: Mapping[str, str]) -> None:
    """Apply an update that the Case Data API wrote.

    There every name but the four special ones is a user property, ``name`` and
    ``location_id`` too (``rules/case-api-v2.md`` 3.4 and 8.4), so none is lost.
    """
    properties = fields["properties"] = {**fields["properties"], **update}
    if not _SPECIAL.isdisjoint(update):
        for name in [name for name in update if name in _SPECIAL]:
            _set_special(fields, name, properties.pop(name))


def _set_special(fields: Fields, name: str, value: str) -> None:
    """Set a name of rule 6; others inside ``create`` are ignored (rule 5.3)."""
    if name == "date_opened":
        fields["opened_on"] = read_date_opened(value)
        return
    label = LIMITED.get(name)
    if label is None:
        return
    check_length(label, value)
    fields[name] = value


def _set_indices(fields: Fields, updates: Sequence[IndexUpdate]) -> None:
    """Set indices, or leave tombstones where some stood (rules 10.1 and 10.3)."""
    indices = fields["indices"] = {**fields["indices"]}
    for name, case_id, case_type, relationship in updates:
        if case_id:
            indices[name] = CaseIndex(case_id, case_type, relationship)
        elif name in indices:
            indices[name] = indices[name]._replace(case_id="")


def _attach(fields: Fields, block: CaseBlock, stamp: Stamp) -> None:
    """Point at attachments of the form, or drop them (rules 11.2 and 11.3)."""
    attachments = fields["attachments"] = {**fields["attachments"]}
    for update in block.attachments:
        if update.src:
            found = stamp.attachments.get(update.src)
            if found is None:
                raise missing_file(stamp.form_id, update.src)
            attachments[update.name] = CaseAttachment(
                form_id=stamp.form_id,
                source=update.src,
                content_type=found.content_type,
                sha256=found.sha256,
                length=found.length,
            )
        elif not update.origin:
            attachments.pop(update.name, None)


_SPECIAL = frozenset({*LIMITED, "date_opened"})
_APART = _SPECIAL | IGNORED_IN_UPDATE | {"name", "location_id", "hq_user_id"}
"""The names that are no properties in a form of a device, or more than that."""
_EMPTY = Case(domain="", case_id="")._asdict()
"""What a case is before its first form."""
