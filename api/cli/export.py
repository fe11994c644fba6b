"""``caseledger export``: all cases or forms of a domain as a file."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import click

from api.cli.database import opened, the_domain
from api.cli.new_file import new_file, sent_at_the_end
from api.cli.progress import Progress, progress
from api.config import Config
from importers.excel.rules.columns import BUILT_IN, NEVER
from importers.excel.rules.options import bad_headers
from importers.export.formats import Format
from importers.export.rows import import_layout
from importers.export.sinks import BYTE_ORDER_MARK
from importers.export.write import export_cases, export_forms
from importers.rows.rules.names import letters_of
from importers.tables.rows import REASONS
from projections.rebuild.fresh import silent

Work = Callable[..., int]

_PIPE = Path("-")
_IDS = ("case_id", "case_name", REASONS)
_TAKEN = frozenset(map(letters_of, (*BUILT_IN, *NEVER, *_IDS)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Where:
    """What is to be written where; ``output`` is nothing for standard output."""

    domain: str | None
    file_format: Format
    output: Path | None
    mark: bytes


def cases(
    config: Config, /, *, case_type: str | None, for_import: bool, **asked: Any
) -> None:
    where = _where(**asked)
    work = partial(export_cases, case_type=case_type)
    left_out: dict[str, None] = {}
    if for_import:
        if case_type is None or where.file_format is Format.JSONL:
            text = "--for-import writes a table of one --case-type, as csv or xlsx"
            raise click.UsageError(text)
        layout = import_layout(partial(_can_be_imported, left_out=left_out))
        work = partial(work, layout=layout)
    _export(config, work, what="cases", where=where)
    if left_out:
        names = ", ".join(sorted(left_out))
        click.echo(f"no import takes properties of these names: {names}", err=True)


def forms(config: Config, /, *, xmlns: str | None, **asked: Any) -> None:
    work = partial(export_forms, xmlns=xmlns)
    _export(config, work, what="forms", where=_where(**asked))


def _where(
    *, domain: str | None, file_format: str | None, output: Path | None, bom: bool
) -> _Where:
    """Return what is to be written where; raises a usage error."""
    target = None if output == _PIPE else output
    ending = "" if target is None else target.suffix.lower().removeprefix(".")
    known = [str(one) for one in Format]
    if file_format is None and ending not in known:
        text = (
            "give --format, or -o FILE with a name that ends in .csv, .xlsx or .jsonl"
        )
        raise click.UsageError(text)
    chosen = Format(file_format or ending)
    if ending in known and ending != chosen:
        text = f"'{target}' ends in .{ending}, and --format says {chosen}"
        raise click.UsageError(text)
    if bom and chosen is not Format.CSV:
        text = "--bom is for csv"
        raise click.UsageError(text)
    mark = BYTE_ORDER_MARK if bom else b""
    return _Where(domain=domain, file_format=chosen, output=target, mark=mark)


def _can_be_imported(name: str, *, left_out: dict[str, None]) -> bool:
    """Tell whether the header of a property is read as that; note the name if not."""
    if bad_headers([name]) or letters_of(name) in _TAKEN:
        left_out[name] = None
        return False
    return True


def _export(config: Config, work: Work, *, what: str, where: _Where) -> None:
    output = where.output
    if where.file_format is Format.XLSX and output is None and sys.stdout.isatty():
        text = "a terminal cannot show Excel files: give -o FILE"
        raise click.UsageError(text)
    with opened(config) as store:
        name = the_domain(store, where.domain)
        with (
            _destination(output) as out,
            store.snapshot(name) as reader,
            _shown(what, output) as tell,
        ):
            count = work(
                reader,
                out,
                file_format=where.file_format,
                mark=where.mark,
                progress=tell,
            )
    click.echo(f"{count} {what} exported", err=True)


@contextmanager
def _destination(output: Path | None) -> Iterator[BinaryIO]:
    """Yield where to write; raises ``Conflict`` when the file is there already."""
    if output is None:
        with sent_at_the_end() as out:
            yield out
        return
    with new_file(output) as out:
        yield out


@contextmanager
def _shown(what: str, output: Path | None) -> Iterator[Progress]:
    """Yield what shows the progress, unless the rows themselves fill the terminal."""
    if output is None and sys.stdout.isatty():
        yield silent
        return
    with progress(what) as tell:
        yield tell
