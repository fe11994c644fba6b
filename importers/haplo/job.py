"""The job that runs a batch (``rules/batch-imports.md`` 1.3 and 1.7).

The files are looked through first, so that how much there is to do is known. Then
records go in, some in each commit, together with how far the job is; whoever goes on
with a job begins behind that. A dry run leaves nothing to go on from and begins anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from importers.haplo.cases import Users
from importers.haplo.command import (
    Audit,
    Batch,
    Done,
    ImportRecords,
    Numbered,
    foreseen,
    outcome_of,
)
from importers.haplo.readers import (
    FileBroken,
    Raw,
    Source,
    count_records,
    records_of,
)
from importers.haplo.rules.control import Control, InvalidControl, NotJson, read_control
from importers.haplo.rules.mappings import MOST_TITLED, Census, mapped_types
from importers.haplo.rules.program import Program, RunBroken, prepare
from importers.haplo.rules.scripting import shown
from importers.jobs.ahead import Ahead
from importers.jobs.form_acts import Pace
from importers.jobs.stored_file import write_stored
from importers.jobs.turns import wait_for_turn
from importers.jobs.worker import JobContext
from importers.rows.rules.kept import added
from importers.rows.rules.overlay import Overlay
from ledger.bodies import get_blob
from ledger.cases.case import Case
from ledger.directory.users import list_users
from ledger.entry import Author
from ledger.imports.values import Outcome
from ledger.store import Reader
from ledger.submit import Needs
from ledger.times import format_micros
from projections.cases.lookups import count_of_type

_MOST_RECORDS = 200
_MOST_BYTES = 1_000_000
_START = {"done": 0, "errors": 0, "outcomes": {}, "said": [], "time": 0}


async def run_batch(context: JobContext) -> Mapping[str, Any]:
    """Import the files of a batch, from where its progress ends.

    Raises ``RunBroken`` with what broke the run off.
    """
    await wait_for_turn(context)
    with TemporaryDirectory(prefix="caseledger-import-") as folder:
        return await _Run(context, Path(folder)).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surveyed:
    """A file that was looked through: how many records it has, or what is wrong."""

    source: Source | None
    count: int = 0
    trouble: str = ""


class _Run:
    """A batch under way; what is known beside its progress can be had again."""

    def __init__(self, context: JobContext, folder: Path) -> None:
        self._context = context
        self._folder = folder
        self._options = context.job.options
        self._dry_run: bool = self._options["dry_run"]
        self._author = Author(**self._options["author"])
        self._overlay: Overlay[Case] = Overlay()
        self._pace = Pace(_MOST_RECORDS)
        progress = context.job.progress
        self._so_far: dict[str, Any] = dict(_START)
        if not self._dry_run:
            self._so_far |= progress
        elif "started" in progress:
            self._so_far["started"] = progress["started"]

    async def run(self) -> Mapping[str, Any]:
        """Import file after file; return the counts of records."""
        await self._audit("start", "started")
        try:
            await self._import_all()
        except RunBroken:
            await self._audit("end", "ended")
            raise
        await self._audit("end", "ended")
        counts = self._so_far["outcomes"]
        told = {outcome.value: counts.get(outcome.value, 0) for outcome in Outcome}
        return {**told, "dry_run": self._dry_run}

    async def _import_all(self) -> None:
        control = await self._control()
        program = await self._prepared(control)
        batch = Batch(
            domain=self._context.job.domain,
            job_id=self._context.job.job_id,
            control=self._options["control"],
            author=self._author,
            program=program,
            users=await self._users(program),
            dry_run=self._dry_run,
        )
        files = [await self._surveyed(control, file) for file in self._files()]
        self._so_far["total"] = sum(file.count for file in files)
        first = 0
        for file in files:
            if file.source is None:
                raise RunBroken(file.trouble)
            if first + file.count > self._so_far["done"]:
                await self._import_file(batch, file.source, first)
            first += file.count

    async def _control(self) -> Control:
        read = partial(get_blob, sha256=self._options["control"])
        content = await self._context.read(read)
        if content is None:
            raise RunBroken("The control file is not kept any more")
        try:
            return await asyncio.to_thread(read_control, content)
        except InvalidControl as error:
            text = "".join(f"\n  {found}" for found in error.errors)
            raise RunBroken(f"Errors in control file:{text}") from None
        except NotJson as error:
            raise RunBroken(str(error)) from None

    async def _prepared(self, control: Control) -> Program:
        """Return the program, whose problems are told once, before any record."""
        own = {found.case_type for found in control.model.destinations.values()}
        if "census" not in self._so_far:
            types = mapped_types(control.json.get("mapping"))
            counts = partial(_counts, types=types)
            self._so_far["census"] = await self._context.read(counts)
        census = Census(counts=self._so_far["census"], own=frozenset(own))
        year = int(format_micros(self._context.job.created_on)[:4])
        program = prepare(control, census, this_year=year)
        if "preparation" not in self._so_far:
            self._so_far["preparation"] = list(program.problems)
            self._so_far["errors"] += len(program.problems)
            await self._save()
        return program

    async def _users(self, program: Program) -> Users:
        return await self._context.read(_user_ids) if program.asks_users else {}

    def _files(self) -> list[Mapping[str, Any]]:
        """Return the files; of one name the last, in place of the first (rule 1.3c)."""
        return list({file["name"]: file for file in self._options["files"]}.values())

    async def _surveyed(self, control: Control, file: Mapping[str, Any]) -> _Surveyed:
        """Store a file and look through it."""
        name = file["name"]
        properties = control.file_properties(name)
        if properties is None:
            text = "Could not find file specification in control file for file"
            end = "(and DEFAULT file entry does not exist)"
            return _Surveyed(source=None, trouble=f"{text} {shown(name)} {end}")
        path = self._folder / file["sha256"]
        if not await write_stored(self._context, file["sha256"], path):
            raise RunBroken(f"The file {shown(name)} is not kept any more")
        source = Source(name=name, path=path, properties=properties)
        try:
            count = await asyncio.to_thread(count_records, source)
        except FileBroken as error:
            return _Surveyed(source=None, trouble=str(error))
        return _Surveyed(source=source, count=count)

    async def _import_file(self, batch: Batch, source: Source, first: int) -> None:
        done = max(self._so_far["done"], first)
        with _closing(records_of(source)) as records:
            await asyncio.to_thread(_pass, records, done - first)
            chunks = _Chunks(batch, records, first=done, pace=self._pace)
            async with Ahead(chunks.take) as ahead:
                while (chunk := await ahead.next()).records:
                    with self._pace:
                        await self._step(batch, source.name, *chunk)

    async def _step(
        self, batch: Batch, file: str, records: Sequence[Numbered], wanted: Needs
    ) -> None:
        """Commit what becomes of some records."""
        command = ImportRecords(
            batch=batch,
            file=file,
            records=tuple(records),
            said=frozenset(self._so_far["said"]),
            after=self._so_far["time"],
            wanted=wanted,
            known=self._overlay,
        )

        def advance(outcomes: Sequence[Any]) -> Mapping[str, Any]:
            return _accounted(self._so_far, outcome_of(outcomes))

        (done,) = await self._context.step([command], advance)
        self._so_far = dict(self._context.job.progress)
        if self._dry_run:
            self._overlay.take(done.left)

    async def _audit(self, action: str, mark: str) -> None:
        """Note in the log that the run began or ended, once."""
        if mark in self._so_far:
            return
        batch = Audit(
            job_id=self._context.job.job_id,
            control=self._options["control"],
            author=self._author,
            action=action,
        )
        self._so_far[mark] = True
        await self._context.step([batch], lambda _: dict(self._so_far))

    async def _save(self) -> None:
        await self._context.step([], lambda _: dict(self._so_far))


def _accounted(before: Mapping[str, Any], done: Done) -> dict[str, Any]:
    """Return the progress behind some records."""
    return {
        **before,
        "done": before["done"] + sum(done.counts.values()),
        "errors": before["errors"] + done.errors,
        "outcomes": added(before["outcomes"], done.counts),
        "said": sorted(done.said),
        "time": done.last_time,
    }


@contextmanager
def _closing(records: Generator[Raw]) -> Iterator[Generator[Raw]]:
    """Close a reader at the end, unless a thread still reads: the process stops."""
    try:
        yield records
    finally:
        with suppress(ValueError):
            records.close()


def _pass(records: Generator[Raw], count: int) -> None:
    """Pass the records that were taken before."""
    for _ in islice(records, count):
        pass


class _Taken(NamedTuple):
    """Some records, and what they will ask for."""

    records: Sequence[Numbered]
    wanted: Needs


class _Chunks:
    """Takes records, as many as a commit should decide."""

    def __init__(
        self, batch: Batch, records: Generator[Raw], *, first: int, pace: Pace
    ) -> None:
        self._batch = batch
        self._records = records
        self._number = first
        self._pace = pace

    def take(self) -> _Taken:
        """Return the next records; none at the end of the file."""
        taken: list[Numbered] = []
        length = 0
        for raw in islice(self._records, self._pace.most):
            taken.append(Numbered(self._number, *raw))
            self._number += 1
            length += raw.length
            if length >= _MOST_BYTES:
                break
        return _Taken(taken, foreseen(self._batch, taken))


def _counts(r: Reader, *, types: set[str]) -> dict[str, int]:
    """Return how many cases of some types there are, as far as that matters."""
    most = MOST_TITLED + 1
    return {t: count_of_type(r, t, most=most) for t in sorted(types)}


def _user_ids(r: Reader) -> dict[str, str]:
    """Return the users of the domain by name, and by its part before the ``@``."""
    users = list_users(r)
    short = {u.username.partition("@")[0].lower(): u.user_id for u in users}
    return short | {user.username.lower(): user.user_id for user in users}
