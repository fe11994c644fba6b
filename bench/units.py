"""The units that floors are read in: H, P, S, Q and X (rules/design.md 6.3)."""

from __future__ import annotations

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from statistics import median

import openpyxl
import psycopg
from lxml import etree

from bench import dataset, load, xforms
from bench.servers import Server

POINT = "select case_id, case_name, owner_id, seq, props from cases where case_id = "


def hello_rate(server: Server, *, seconds: float) -> float:
    """Return H: requests per second of the hello server, 32 connections."""
    plan = load.Plan(
        target=server.target,
        source="paths",
        options={"paths": ["/"]},
        connections=32,
        seconds=seconds,
        warmup=0.3,
        ready=1,
    )
    return load.run(plan).rate


def parse_rate(*, seconds: float = 1.0) -> float:
    """Return P: one-case forms parsed per CPU second."""
    bodies = xforms.samples(300)
    return _per_cpu_second(lambda: _parse_all(bodies), len(bodies), seconds=seconds)


def sync_rate(folder: Path, *, seconds: float = 0.5) -> float:
    """Return S: appends of 1 KB, each with ``fdatasync``, per second."""
    block, done = b"x" * 1024, 0
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        started = time.perf_counter()
        while (passed := time.perf_counter() - started) < seconds:
            os.write(file.fileno(), block)
            os.fdatasync(file.fileno())
            done += 1
    return done / passed


def point_read_ms(url: str, *, size: int, reads: int = 500) -> float:
    """Return Q: median ms of one indexed read over the product's own driver.

    ``url`` is the bare pipeline's database with D(``size``) in it.
    """
    random = Random(7)
    ids = [dataset.case_id(random.randrange(size)) for _ in range(reads)]
    if url.startswith("sqlite"):
        return _sqlite_reads(url, ids)
    with psycopg.connect(url, autocommit=True) as conn:
        conn.prepare_threshold = 0
        statement = f"{POINT}%s"
        return _median_ms(lambda i: conn.execute(statement, (i,)).fetchone(), ids)


def sheet_rate(*, rows: int = 100_000) -> float:
    """Return X: rows per CPU second of openpyxl's read-only reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sheet.xlsx"
        _write_sheet(path, rows)
        started = time.process_time()
        sheet = openpyxl.load_workbook(path, read_only=True).active
        read = sum(1 for _ in sheet.iter_rows(values_only=True))
        return read / (time.process_time() - started)


def _write_sheet(path: Path, rows: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for i in range(rows):
        sheet.append(list(dataset.ten_properties(i, rows).values()))
    book.save(path)


def _sqlite_reads(url: str, ids: list[str]) -> float:
    conn = sqlite3.connect(url.removeprefix("sqlite:///"))
    statement = f"{POINT}?"
    took = _median_ms(lambda i: conn.execute(statement, (i,)).fetchone(), ids)
    conn.close()
    return took


def _median_ms(read: Callable[[str], object], ids: list[str]) -> float:
    times = []
    for one in [*ids[:20], *ids]:
        started = time.perf_counter()
        read(one)
        times.append(time.perf_counter() - started)
    return median(times[20:]) * 1000


def _parse_all(bodies: list[bytes]) -> None:
    for body in bodies:
        etree.fromstring(body)


def _per_cpu_second(work: Callable[[], None], units: int, *, seconds: float) -> float:
    started, done = time.process_time(), 0
    while (passed := time.process_time() - started) < seconds:
        work()
        done += units
    return done / passed
