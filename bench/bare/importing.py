"""The bare pipeline's import: a hundred rows a form, ten forms a commit, no checks.

The sheet is read in a child process that sends a line of JSON for each hundred rows;
for each of them the cases are looked up at once, and the form is built from templates.
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
A_FORM = 100
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
        total = asyncio.run(_import(url, map(orjson.loads, child.stdout)))
    return total / (time.perf_counter() - started)


def import_rows(url: str, size: int) -> float:
    """Import rows that are in memory already; return rows per second."""
    found = [sheets.row(i) for i in range(size)]
    started = time.perf_counter()
    total = asyncio.run(_import(url, rows.batched(found, A_FORM)))
    return total / (time.perf_counter() - started)


async def _import(url: str, batches: Iterable[Rows]) -> int:
    store = sqlite.Store(url) if url.startswith("sqlite") else postgres.Store(url)
    await store.open()
    total = 0
    for some in rows.batched(batches, A_COMMIT):
        made = []
        for batch in some:
            known = await store.known([row[0] for row in batch])
            made.append(forms.build(_changes(batch, known), _DATE))
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
