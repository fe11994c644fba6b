"""Two small imports of rows over the machinery: of groups, and of cases.

The first makes no form and no case: its rows are entries of the directory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from importers.jobs.pace import Pace
from importers.jobs.worker import Handler, JobContext
from importers.rows.append import NotInForce, append_to
from importers.rows.decide import decide_each, needs_of
from importers.rows.job import Course, commit_each, in_turn
from importers.rows.reading import closing_rows, in_portions, skip
from importers.rows.records import append_record, keep
from importers.rows.rules.form import Origin, linked
from importers.rows.rules.kept import Counts, Kept, added
from importers.rows.rules.overlay import Overlay, View
from ledger.cases.case import Case
from ledger.directory import groups
from ledger.directory.values import Group
from ledger.entry import Author
from ledger.forms.case_block import CaseBlock, IndexUpdate
from ledger.imports.results import rows_of
from ledger.imports.values import ImportRow, Outcome
from ledger.jobs import queue as jobs
from ledger.jobs.values import Job
from ledger.store import Store
from ledger.submit import Needs, Session
from tests.kit import build
from tests.kit.jobs import job_of, working

GROUPS = "toy-groups"
CASES = "toy-cases"
AUTHOR = Author(user_id=build.USER, username="amina", device_id="toy")
XMLNS = "urn:example:toy"
MOST = 8
"""How many rows a commit decides."""


class Item(NamedTuple):
    """A row: a name, what it says, and the name of what it hangs on."""

    number: int
    name: str
    text: str = ""
    parent: str = ""


# -- groups ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """What became of the rows of a command."""

    counts: Counts
    left: Overlay[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportGroups:
    """Rows that make groups; one whose name another one has is not applied again."""

    job_id: str
    items: tuple[Item, ...]
    known: Overlay[Group]
    dry_run: bool
    size: int = 0

    def needs(self) -> Needs:
        """Look up no case."""
        return Needs()

    def run(self, session: Session) -> Done:
        """Decide row after row; each is an entry of the directory in this commit."""
        names = [item.name for item in self.items]
        stored = groups.groups_by_name(session.writer, names)
        view: View[Group] = View(self.known, stored.get)
        counts = dict.fromkeys(("applied", "unchanged", "failed"), 0)

        def decide(item: Item) -> Group | None:
            if item.text == "unforeseen":
                raise KeyError(item.name)
            if view.get(item.name) is not None:
                return None
            return Group("", item.name, item.name, 0, 0, "{}", 0, 0)

        def apply(item: Item, group: Group | None) -> None:
            counts["applied" if group else "unchanged"] += 1
            if group is None:
                return
            view.left.note(item.name, group, keys=())
            if not self.dry_run:
                make = partial(groups.create_group, name=item.name, author=AUTHOR)
                session.also.append(make)

        def unforeseen(_item: Item, _error: Exception) -> None:
            counts["failed"] += 1

        decide_each(
            self.items,
            decide=decide,
            apply=apply,
            unforeseen=unforeseen,
            job_id=self.job_id,
        )
        return Done(counts, view.left)

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing."""


# -- cases -------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportCases:
    """Rows that make cases by their external ids or change them, a form for each."""

    origin: Origin
    items: tuple[Item, ...]
    known: Overlay[Case]
    dry_run: bool
    size: int = 0

    def needs(self) -> Needs:
        """Look up what rows are and what they hang on."""
        return needs_of(((), (item.name, item.parent)) for item in self.items)

    def run(self, session: Session) -> Done:
        """Decide row after row, and append the form of each."""
        return _Cases(self, session).done()

    def failed(self, session: Session, error: Exception) -> None:
        """Keep nothing."""


class _Cases:
    def __init__(self, command: ImportCases, session: Session) -> None:
        self._command = command
        self._session = session
        self._on = session.scratch() if command.dry_run else session
        self._view: View[Case] = View(command.known, self._on.cases.case)
        self._kept = Kept(command.origin)

    def done(self) -> Done:
        """Take all rows."""
        decide_each(
            self._command.items,
            decide=self._decided,
            apply=self._apply,
            unforeseen=lambda item, _: self._kept.note(item.number, Outcome.FAILED),
            job_id=self._command.origin.job_id,
        )
        keep(self._session, self._kept)
        return Done(self._kept.counts, self._view.left)

    def _decided(self, item: Item) -> CaseBlock | None:
        if item.text == "unforeseen":
            raise RecursionError
        found, above = self._by_name(item.name), self._by_name(item.parent)
        if item.parent and not above:
            raise ValueError(item.parent)
        if found and found[0].properties.get("text") == item.text:
            return None
        create = {"case_type": "toy", "case_name": item.name, "owner_id": build.USER}
        update = {"text": item.text, "external_id": item.name}
        links = tuple(
            IndexUpdate(
                name="parent", case_id=c.case_id, case_type="toy", relationship="child"
            )
            for c in above
        )
        if found:
            return CaseBlock(case_id=found[0].case_id, update=update, indices=links)
        new_id = self._command.origin.case_id(item.number, 0)
        return CaseBlock(case_id=new_id, create=create, update=update, indices=links)

    def _by_name(self, name: str) -> list[Case]:
        if not name:
            return []
        stored = (c.case_id for c in self._on.cases.by_external(name))
        ids = [*stored, *self._view.left.ids(("name", name))]
        return self._view.those(ids, lambda case: case.external_id == name)

    def _apply(self, item: Item, block: CaseBlock | None) -> None:
        if block is None:
            self._kept.note(item.number, Outcome.UNCHANGED)
            return
        refused = self._append(item, block)
        outcome = Outcome.APPLIED if refused is None else Outcome.FAILED
        problem = () if refused is None else (refused.problem,)
        told: dict[str, Any] = {"messages": problem}
        if refused is not None:
            told["error_id"] = None if self._command.dry_run else refused.form_id
        elif not self._command.dry_run:
            told["form_id"] = self._command.origin.form_id(item.number)
            told["case_ids"] = (block.case_id,)
        self._kept.note(item.number, outcome, **told)
        case = self._on.cases.case(block.case_id)
        if refused is None and case is not None and self._command.dry_run:
            self._view.left.note(case.case_id, case, keys=[("name", item.name)])

    def _append(self, item: Item, block: CaseBlock) -> NotInForce | None:
        return append_record(
            self._command.origin,
            item.number,
            blocks=[linked(block, lambda i: self._on.cases.case(i) is not None)],
            head={"name": item.name},
            now=build.WHEN_UTC,
            append=append_to(self._on),
        )


# -- their jobs --------------------------------------------------------------


def importing(kind: str, *, alive: Callable[[], None] = lambda: None) -> Handler:
    """Return the handler of an import; ``alive`` is called before each commit."""

    async def run(context: JobContext) -> Mapping[str, Any]:
        job = context.job
        course: Course[Any] = Course(context, {"done": 0, "counts": {}})
        origin = Origin(
            api="toy",
            domain=job.domain,
            job_id=job.job_id,
            file="items",
            xmlns=XMLNS,
            author=AUTHOR,
        )

        async def commit(items: tuple[Item, ...]) -> None:
            alive()
            about = {"items": items, "known": course.left, "dry_run": course.is_dry}
            command: Any
            if kind == GROUPS:
                command = ImportGroups(job_id=job.job_id, **about)
            else:
                command = ImportCases(origin=origin, **about)
            await course.commit(command, _accounted)

        async with in_turn(context):
            with closing_rows(_read(job.options["items"])) as rows:
                await skip(rows, course.so_far["done"])
                portions = in_portions(rows, Pace(MOST))
                await commit_each(portions, commit, pace=nullcontext())
        return {**course.so_far["counts"], "dry_run": course.is_dry}

    return run


def enqueue(
    store: Store, kind: str, items: Sequence[tuple[str, ...]], *, dry_run: bool = False
) -> Job:
    """Add the job of an import."""
    with store.writing(build.DOMAIN) as writer:
        return jobs.enqueue(
            writer,
            kind=kind,
            options={"items": items, "dry_run": dry_run},
            user_id=build.USER,
            now=build.NOW,
        )


async def imported(
    store: Store, kind: str, items: Sequence[tuple[str, ...]], *, dry_run: bool = False
) -> Job:
    """Import rows and return the job when it has ended."""
    job = enqueue(store, kind, items, dry_run=dry_run)
    async with working(store, {kind: importing(kind)}) as worker:
        await worker.see_through(job.key)
    return job_of(store, job)


def kept(store: Store, job: Job) -> list[ImportRow]:
    """Return what became of the rows of a job, without the ids that are its own."""
    with store.snapshot(job.domain) as reader:
        found = rows_of(reader, "toy", job.job_id, after=0, most=1000)
    own = {"job_id": "", "form_id": None, "case_ids": (), "error_id": None}
    return [replace(row, **own) for row in found]


def _read(items: Sequence[Sequence[str]]) -> Generator[Item]:
    yield from (Item(*(n, *item)) for n, item in zip(count(1), items, strict=False))


def _accounted(before: Mapping[str, Any], done: Done) -> dict[str, Any]:
    return {
        "done": before["done"] + sum(done.counts.values()),
        "counts": added(before["counts"], done.counts),
    }
