"""The rule: what a form does to the cases it names. Pure.

No clock, no logger, no database: states and blocks in, states out, or ``Rejected``.
Numbers of rules are those of ``rules/case-xml.md``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
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
    attachments: Mapping[str, Attachment] = field(default_factory=dict)


@dataclass(slots=True)
class _Draft:
    """A case while one form is applied to it."""

    fields: dict[str, Any]
    properties: dict[str, str]
    indices: dict[str, CaseIndex]
    attachments: dict[str, CaseAttachment]
    actions: int = FORM


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


def touched(form: Form) -> list[str]:
    """Return the ids of the cases a form may touch, ascending."""
    if not form.ledger_case_ids:
        return list(blocks_by_case(form))
    named = {block.case_id for block in form.blocks}
    return sorted(named.union(form.ledger_case_ids))


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
    draft = _open(before, blocks, stamp)
    for block in blocks:
        _apply_block(draft, block, form, stamp)
    if not blocks or (
        form.ledger_case_ids and blocks[0].case_id in form.ledger_case_ids
    ):
        draft.actions |= LEDGER
    fields = draft.fields
    fields["server_modified_on"] = stamp.received_on
    fields["indexed_on"] = stamp.appended_on + place
    fields["position"] = stamp.position
    fields["folded_to"] = stamp.key
    fields["properties"] = draft.properties
    fields["indices"] = draft.indices
    fields["attachments"] = draft.attachments
    return Case(**fields), draft.actions


def new_targets(form: Form) -> list[tuple[str, str]]:
    """Return (case, target) for every index that a form leaves set.

    In order of validation. What one block sets and a later block of the same case
    clears or replaces is not looked at (rule 10.6).
    """
    return [
        (case_id, target)
        for case_id, blocks in blocks_by_case(form).items()
        for target in {i.name: i.case_id for b in blocks for i in b.indices}.values()
        if target
    ]


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


def _open(before: Case | None, blocks: Sequence[CaseBlock], stamp: Stamp) -> _Draft:
    if before is None:
        fields = {**_EMPTY, "domain": stamp.domain, "case_id": blocks[0].case_id}
        return _Draft(fields, {}, {}, {})
    fields = {name: getattr(before, name) for name in _SCALARS}
    return _Draft(
        fields,
        dict(before.properties),
        dict(before.indices),
        dict(before.attachments),
    )


def _apply_block(draft: _Draft, block: CaseBlock, form: Form, stamp: Stamp) -> None:
    """Apply one block: create, update, close, index, attachment (rule 7.4)."""
    user_id = block.user_id or form.meta.user_id or ""
    modified = block.date_modified or stamp.received_on
    fields = draft.fields
    if block.create is not None:
        draft.actions |= CREATE
        for name, value in block.create.items():
            _set_special(fields, name, value)
    if block.update is not None:
        if form.xmlns == CASE_API_XMLNS:
            _update_plainly(draft, block.update)
        else:
            _update(draft, block.update)
    if block.close:
        draft.actions |= CLOSE
        fields["closed"] = True
        fields["closed_on"] = modified
        fields["closed_by"] = user_id
    if block.indices:
        draft.actions |= INDEX
        for index in block.indices:
            _set_index(draft.indices, index)
    if block.attachments:
        draft.actions |= ATTACHMENT
        _attach(draft, block, stamp)
    if user_id:
        fields["modified_by"] = user_id
    fields["modified_on"] = max(fields["modified_on"], modified)
    fields["opened_on"] = fields["opened_on"] or modified
    fields["opened_by"] = fields["opened_by"] or user_id
    fields["owner_id"] = fields["owner_id"] or user_id


def _update(draft: _Draft, update: Mapping[str, str]) -> None:
    for name, value in update.items():
        if name in _SPECIAL:
            _set_special(draft.fields, name, value)
        elif name == "name":
            draft.fields["case_name"] = value
        elif name == "location_id":
            draft.fields["location_id"] = value
        elif name not in IGNORED_IN_UPDATE:
            draft.properties[name] = value
            if name == "hq_user_id":
                _set_special(draft.fields, "external_id", value)


def _update_plainly(draft: _Draft, update: Mapping[str, str]) -> None:
    """Apply an update that the Case Data API wrote.

    There every name but the four special ones is a user property, ``name`` and
    ``location_id`` too (``rules/case-api-v2.md`` 3.4 and 8.4), so none is lost.
    """
    for name, value in update.items():
        if name in _SPECIAL:
            _set_special(draft.fields, name, value)
        else:
            draft.properties[name] = value


def _set_special(fields: dict[str, Any], name: str, value: str) -> None:
    """Set a name of rule 6; others inside ``create`` are ignored (rule 5.3)."""
    if name == "date_opened":
        fields["opened_on"] = read_date_opened(value)
        return
    label = LIMITED.get(name)
    if label is None:
        return
    check_length(label, value)
    fields[name] = value


def _set_index(indices: dict[str, CaseIndex], index: IndexUpdate) -> None:
    """Set an index, or leave a tombstone where one stood (rules 10.1 and 10.3)."""
    if index.case_id:
        indices[index.name] = CaseIndex(
            case_id=index.case_id,
            case_type=index.case_type,
            relationship=index.relationship,
        )
        return
    old = indices.get(index.name)
    if old is not None:
        indices[index.name] = CaseIndex(
            case_id="", case_type=old.case_type, relationship=old.relationship
        )


def _attach(draft: _Draft, block: CaseBlock, stamp: Stamp) -> None:
    """Point at attachments of the form, or drop them (rules 11.2 and 11.3)."""
    for update in block.attachments:
        if update.src:
            found = stamp.attachments.get(update.src)
            if found is None:
                raise missing_file(stamp.form_id, update.src)
            draft.attachments[update.name] = CaseAttachment(
                form_id=stamp.form_id,
                source=update.src,
                content_type=found.content_type,
                sha256=found.sha256,
                length=found.length,
            )
        elif not update.origin:
            draft.attachments.pop(update.name, None)


_SPECIAL = frozenset({*LIMITED, "date_opened"})
_COLLECTIONS = frozenset({"properties", "indices", "attachments"})
_SCALARS = tuple(name for name in Case.__dataclass_fields__ if name not in _COLLECTIONS)
_BLANK = Case(domain="", case_id="")
_EMPTY = {name: getattr(_BLANK, name) for name in _SCALARS}
