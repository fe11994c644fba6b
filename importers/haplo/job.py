"""The job that runs a batch (``rules/batch-imports.md`` 1.3 and 1.7).

The files are looked through first, so that how much there is to do is known. Then
records go in, some in each commit, together with how far the job is; whoever goes on
with a job begins behind that. A dry run leaves nothing to go on from and begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple

from importers.haplo.cases import Users
from importers.haplo.command import (
    Audit,
    Batch,
    Done,
    ImportRecords,
    Numbered,
    foreseen,
)
from importers.haplo.readers import (
    FileBroken,
    Source,
    records_of,
)
from importers.haplo.rules.control import Control, InvalidControl, NotJson, read_control
from importers.haplo.rules.mappings import MOST_TITLED, Census, mapped_types
from importers.haplo.rules.program import Program, RunBroken, prepare
from importers.haplo.rules.scripting import shown
from importers.haplo.rules.sources import (
    Names,
    nowhere,
    renamed_in,
    taken_as,
    told_of,
)
from importers.jobs.pace import Pace
from importers.jobs.stored_file import write_stored
from importers.jobs.threads import in_thread
from importers.jobs.turns import HAPLO
from importers.jobs.worker import JobContext
from importers.rows.job import Course, commit_each, in_turn
from importers.rows.reading import closing_rows, in_portions, skip
from importers.rows.records import touched_before
from importers.rows.rules.kept import added
from importers.rows.rules.told import Touched, with_told
from importers.tables.notices import Notices, Tell
from ledger.bodies import get_blob
from ledger.cases.case import Case
from ledger.directory.users import list_users
from ledger.entry import Author
from ledger.errors import Damaged
from ledger.imports.values import Outcome
from ledger.store import Reader
from ledger.submit import Needs
from ledger.times import format_micros
from projections.cases.lookups import count_of_type

_MOST_RECORDS = 200
_START = {
    "done": 0,
    "errors": 0,
    "outcomes": {},
    "said": [],
    "time": 0,
    "told": [],
    "cases": 0,
}


async def run_batch(context: JobContext) -> Mapping[str, Any]:
    """Import the files of a batch, from where its progress ends.

    Raises ``RunBroken`` with what broke the run off, and ``Damaged``.
    """
    async with in_turn(context) as folder:
        return await _Run(context, folder).run()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surveyed:
    """A file that was looked through: how many records it has, or what is wrong."""

    source: Source | None
    count: int = 0
    names: Names = field(default_factory=Names)
    renamed: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


class _Run:
    """A batch under way; what is known beside its progress can be had again."""

    def __init__(self, context: JobContext, folder: Path) -> None:
        self._context = context
        self._folder = folder
        self._options = context.job.options
        self._author = Author(**self._options["author"])
        self._course: Course[Case] = Course(context, _begun(context.job.progress))
        self._touched = Touched()
        self._pace = Pace(_MOST_RECORDS)

    async def run(self) -> Mapping[str, Any]:
        """Import file after file; return the counts of records."""
        await self._audit("start", "started")
        try:
            await self._import_all()
        except (RunBroken, Damaged):
            await self._audit("end", "ended")
            raise
        await self._audit("end", "ended")
        counts = self._course.so_far["outcomes"]
        told = {outcome.value: counts.get(outcome.value, 0) for outcome in Outcome}
        return {**told, "dry_run": self._course.is_dry}

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
            owner_id=self._options.get("owner_id", ""),
            dry_run=self._course.is_dry,
        )
        notices = Notices()
        files = [
            await self._surveyed(control, file, sources=program.sources, to=notices)
            for file in self._files()
        ]
        _tell_fields(program.sources, files, notices)
        await self._remember_touched()
        self._course.so_far["notices"] = notices.to_json()
        self._course.so_far["total"] = sum(file.count for file in files)
        first = 0
        for file in files:
            if file.source is None or first + file.count > self._course.so_far["done"]:
                await self._import_file(batch, file, first)
            first += file.count

    async def _control(self) -> Control:
        read = partial(get_blob, sha256=self._options["control"])
        content = await self._context.read(read)
        if content is None:
            raise RunBroken("The control file is not kept any more")
        try:
            return await in_thread(read_control, content)
        except InvalidControl as error:
            text = "".join(f"\n  {found}" for found in error.errors)
            raise RunBroken(f"Errors in control file:{text}") from None
        except NotJson as error:
            raise RunBroken(str(error)) from None

    async def _prepared(self, control: Control) -> Program:
        """Return the program, whose problems are told once, before any record."""
        own = {found.case_type for found in control.model.destinations.values()}
        so_far = self._course.so_far
        if "census" not in so_far:
            types = mapped_types(control.json.get("mapping"))
            counts = partial(_counts, types=types)
            so_far["census"] = await self._context.read(counts)
        census = Census(counts=so_far["census"], own=frozenset(own))
        year = int(format_micros(self._context.job.created_on)[:4])
        program = prepare(control, census, this_year=year)
        if "preparation" not in so_far:
            so_far["preparation"] = list(program.problems)
            so_far["errors"] += len(program.problems)
            await self._course.save()
        return program

    async def _users(self, program: Program) -> Users:
        return await self._context.read(_user_ids) if program.asks_users else {}

    def _files(self) -> list[Mapping[str, Any]]:
        """Return the files; of one name the last, in place of the first (rule 1.3c)."""
        return list({file["name"]: file for file in self._options["files"]}.values())

    async def _surveyed(
        self,
        control: Control,
        file: Mapping[str, Any],
        *,
        sources: Sequence[str],
        to: Notices,
    ) -> _Surveyed:
        """Store a file and look through it; what is told of it goes to ``to``."""
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
            tell = partial(to.add, file=name)
            count, names = await in_thread(partial(_survey, source, tell))
        except FileBroken as error:
            return _Surveyed(source=None, trouble=str(error))
        renamed = taken_as(sources, names)
        return _Surveyed(source=source, count=count, names=names, renamed=renamed)

    async def _remember_touched(self) -> None:
        """Find out which cases the records before have touched."""
        if not self._course.is_dry and self._course.so_far["done"]:
            read = partial(touched_before, api=HAPLO, job_id=self._context.job.job_id)
            self._touched = await self._context.read(read)

    async def _import_file(self, batch: Batch, file: _Surveyed, first: int) -> None:
        source = file.source
        if source is None:
            raise RunBroken(file.trouble)
        done = max(self._course.so_far["done"], first)
        with closing_rows(records_of(source)) as records:
            await skip(records, done - first)
            numbered = (
                Numbered(n, renamed_in(r.data, file.renamed), r.length, r.row, r.fault)
                for n, r in enumerate(records, start=done)
            )
            portions = _portions(batch, numbered, self._pace)
            commit = partial(self._commit, batch, source.name)
            await commit_each(portions, commit, pace=self._pace)

    async def _commit(self, batch: Batch, file: str, portion: _Portion) -> None:
        """Commit what becomes of some records."""
        command = ImportRecords(
            batch=batch,
            file=file,
            records=portion.records,
            said=frozenset(self._course.so_far["said"]),
            after=self._course.so_far["time"],
            wanted=portion.wanted,
            known=self._course.left,
        )
        await self._course.commit(command, partial(self._accounted, file))

    def _accounted(
        self, file: str, before: Mapping[str, Any], done: Done
    ) -> dict[str, Any]:
        """Return the progress behind some records."""
        twice = [
            notice
            for row, case_ids in done.touched
            for notice in self._touched.take((file, row), case_ids)
        ]
        told = with_told(before["told"], [*done.told, *twice], file=file)
        return {**_accounted(before, done), "told": told, "cases": len(self._touched)}

    async def _audit(self, action: str, mark: str) -> None:
        """Note in the log that the run began or ended, once."""
        if mark in self._course.so_far:
            return
        note = Audit(
            job_id=self._context.job.job_id,
            control=self._options["control"],
            author=self._author,
            action=action,
        )
        self._course.so_far[mark] = True
        await self._course.save(note)


class _Portion(NamedTuple):
    """Some records, and what they will ask for."""

    records: tuple[Numbered, ...]
    wanted: Needs


def _portions(
    batch: Batch, records: Iterator[Numbered], pace: Pace
) -> Iterator[_Portion]:
    for some in in_portions(records, pace, length=attrgetter("length")):
        yield _Portion(some, foreseen(batch, some))


def _survey(source: Source, tell: Tell) -> tuple[int, Names]:
    """Read a file to its end; return its records and their fields."""
    names, count = Names(), 0
    with closing_rows(records_of(source, tell=tell)) as records:
        for count, raw in enumerate(records, start=1):  # noqa: B007 - it is returned
            names.take(raw.data)
    return count, names


def _tell_fields(
    sources: Sequence[str], files: Sequence[_Surveyed], to: Notices
) -> None:
    """Tell of each file which fields have other names, or are nowhere in the batch."""
    missing = nowhere(sources, ((file.names, file.renamed) for file in files))
    for file in files:
        if file.source is not None:
            told = told_of(missing, file.names, file.renamed)
            to.add(told, file=file.source.name)


def _begun(progress: Mapping[str, Any]) -> dict[str, Any]:
    """Return where a batch begins; its start is in the log once, also if it is dry."""
    started = {"started": progress["started"]} if "started" in progress else {}
    return {**_START, **started}


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


def _counts(r: Reader, *, types: set[str]) -> dict[str, int]:
    """Return how many cases of some types there are, as far as that matters."""
    most = MOST_TITLED + 1
    return {t: count_of_type(r, t, most=most) for t in sorted(types)}


def _user_ids(r: Reader) -> dict[str, str]:
    """Return the users of the domain by name, and by its part before the ``@``."""
    users = list_users(r)
    short = {u.username.partition("@")[0].lower(): u.user_id for u in users}
    return short | {user.username.lower(): user.user_id for user in users}
