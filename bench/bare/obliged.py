"""B+: the bare pipeline with what a ledger owes for each form, and nothing more.

Each request's key is looked up by its digest. A form whose id is known is refused. Each
case is read before it is changed, and its new state is merged in memory. What is built
is parsed back. Each entry gets a header whose digest covers the one before and the
body's; each case gets a row of history and one for its external id; the head of the log
is read at the beginning and written at the end. One commit still answers all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from bench.bare import forms, rows

TABLES = """
create table if not exists head(one integer primary key, position bigint, digest text);
create table if not exists entries(position bigint primary key, form_id text,
  received text, length integer, body_digest text, digest text);
create table if not exists history(case_id text, position bigint, place integer,
  primary key(case_id, position));
create table if not exists external_ids(external_id text, case_id text,
  primary key(external_id, case_id));
create index if not exists entries_form on entries(form_id);
"""
NO_LOG = (0, "")
"""The head of a log without entries."""


class EntryRow(NamedTuple):
    """The header of an entry of the log."""

    position: int
    form_id: str
    received: str
    length: int
    body_digest: str
    digest: str


@dataclass(slots=True)
class Owed:
    """The rows that the forms of one transaction owe."""

    position: int
    digest: str
    entries: list[EntryRow] = field(default_factory=list)
    history: list[tuple[str, int, int]] = field(default_factory=list)
    external: list[tuple[str, str]] = field(default_factory=list)

    def add(self, form: forms.Form) -> None:
        """Chain one more form to the log, with the history of its cases."""
        self.position += 1
        body = hashlib.sha256(form.body).hexdigest()
        received = form.blocks[0].date
        header = orjson.dumps(
            [self.digest, self.position, form.form_id, received, len(form.body), body]
        )
        self.digest = hashlib.sha256(header).hexdigest()
        self.entries.append(
            EntryRow(
                self.position,
                form.form_id,
                received,
                len(form.body),
                body,
                self.digest,
            )
        )
        for place, block in enumerate(form.blocks):
            self.history.append((block.case_id, self.position, place))
            external_id = (block.create or {}).get("external_id")
            if external_id:
                self.external.append((external_id, block.case_id))


@dataclass(slots=True)
class Judged:
    """The forms of one transaction that are taken, and all the rows they make."""

    forms: list[forms.Form]
    cases: list[rows.CaseRow]
    owed: Owed


def judge(
    batch: Iterable[forms.Form],
    *,
    known: set[str],
    states: dict[str, dict[str, Any]],
    head: tuple[int, str],
    first: int,
) -> Judged:
    """Refuse forms whose ids are ``known``; fold the others onto ``states``."""
    taken = [form for form in batch if form.form_id not in known]
    owed = Owed(*head)
    for form in taken:
        owed.add(form)
    cases = [
        rows.case_row(block, seq=seq, form=form_id)._replace(props=state)
        for seq, (form_id, block, state) in enumerate(_folded(taken, states), first)
    ]
    return Judged(taken, cases, owed)


def named(batch: Iterable[forms.Form]) -> list[str]:
    """Return the ids of all cases that forms touch or point to."""
    blocks = [block for form in batch for block in form.blocks]
    targets = [reference[1] for block in blocks for reference in block.index]
    return [block.case_id for block in blocks] + targets


def _folded(
    batch: Iterable[forms.Form], states: dict[str, dict[str, Any]]
) -> Iterator[tuple[str, forms.Block, str]]:
    for form in batch:
        for block in form.blocks:
            state = {**states.get(block.case_id, {}), **block.update}
            states[block.case_id] = state
            yield form.form_id, block, orjson.dumps(state).decode()
