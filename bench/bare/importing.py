"""The bare pipeline's import: rows become forms and are committed, without checks.

Cases are looked up a hundred at once, and forms are built from templates. Those of a
sheet have a hundred rows each, and ten are a commit; the sheet is read in a child
process that sends a line of JSON for each hundred rows. Rows from memory are the core
of an import: in forms of a hundred, or a form for each, a hundred a commit, as an
import must do it that keeps what became of each record by its form.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from python_calamine import CalamineWorkbook

from bench import sheets
from bench.bare import forms, postgres, rows, sqlite

Rows = list[list[str]]
A_BATCH = A_FORM = 100
A_COMMIT = 10
_DATE = "2023-11-14T22:13:20.000000Z"


def read(path: str) -> None:
    """Print the rows of a sheet, a hundred a line: what the child does."""
    sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    cells = iter(sheet.iter_rows())
    next(cells)
    for batch in rows.batched(cells, A_FORM):
        found = [[_text(value) for value in row] for row in batch]
        sys.stdout.buffer.write(orjson.dumps(found) + b"\n")


def import_sheet(url: str, path: str) -> float:
    """Import a sheet that a child reads; return rows per second."""
    started = time.perf_counter()
    argv = [sys.executable, "-m", "bench.bare", "read", "--file", path]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None  # noqa: S101 - asked for just above
        batches = map(orjson.loads, child.stdout)
        commits = rows.batched(batches, A_COMMIT)
        total = asyncio.run(_import(url, commits, a_form=A_FORM))
    return total / (time.perf_counter() - started)


def import_rows(url: str, size: int, *, a_form: int) -> float:
    """Import rows that are in memory, so many a form; return rows per second."""
    found = [sheets.row(i) for i in range(size)]
    started = time.perf_counter()
    batches = rows.batched(found, A_BATCH)
    commits = rows.batched(batches, 1 if a_form < A_BATCH else A_COMMIT)
    total = asyncio.run(_import(url, commits, a_form=a_form))
    return total / (time.perf_counter() - started)


async def _import(url: str, commits: Iterable[list[Rows]], *, a_form: int) -> int:
    store = sqlite.Store(url) if url.startswith("sqlite") else postgres.Store(url)
    await store.open()
    total = 0
    for batches in commits:
        made = []
        for batch in batches:
            known = await store.known([row[0] for row in batch])
            parts = rows.batched(batch, a_form)
            made += [forms.build(_changes(part, known), _DATE) for part in parts]
            total += len(batch)
        await store.write(made)
    return total


def _changes(batch: Rows, known: dict[str, str]) -> Iterator[dict[str, Any]]:
    for external_id, name, *values in batch:
        change: dict[str, Any] = {
            "properties": dict(zip(sheets.COLUMNS[2:], values, strict=True))
        }
        if external_id in known:
            change["case_id"] = known[external_id]
        else:
            made = {"case_type": "patient", "case_name": name, "owner_id": "bench"}
            change |= {"create": True, "external_id": external_id, **made}
        yield change


def _text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
