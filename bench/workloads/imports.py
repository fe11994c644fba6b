"""W3, W4 and I1: a hundred thousand rows of a file, and what others feel of it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import orjson

from bench import checks, prepare, processes, sheets
from bench.bare.importing import A_FORM
from bench.figures import Figure
from bench.harness import Bench, Readings, Round, figure, judged
from bench.http import Client, Target
from bench.load import Plan, Result, start
from bench.servers import ROOT, USERNAME, Product, Server

ROWS, FEW = 100_000, 10_000
ASK_AGAIN = 0.05
AT_MOST = 1800.0
"""Seconds after which an import is given up."""
BOUNDARY = "bench-import-4c1d"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"
READERS = 16
_CASES = {1: "one-case", A_FORM: "100-case"}
BESIDE = "beside"
"""The domain of the second import of I1."""
CONTROL: dict[str, Any] = {
    "dataImportControlFileVersion": 0,
    "model": "TYPE:patient",
    "files": {"cases": {"read": "tsv-with-name-row"}},
    "instructions": [
        {
            "source": "external_id",
            "destination": "load:by-external-id",
            "name": "external_id",
        },
        {
            "action": "load",
            "destination": "object",
            "using": "load:by-external-id",
            "otherwise": [
                {"action": "new", "destination": "object"},
                {
                    "source": "external_id",
                    "destination": "object",
                    "name": "external_id",
                },
            ],
        },
        {"source": "name", "destination": "object", "name": "case_name"},
        *(
            {"source": name, "destination": "object", "name": name}
            for name in sheets.COLUMNS[2:]
        ),
    ],
}
"""An upsert by external id, row for row."""


@contextmanager
def w3(bench: Bench) -> Iterator[Round]:
    """Upload a workbook into an empty domain, and again."""
    rows = rows_of(bench)
    with _in_file(sheets.xlsx(rows), "cases.xlsx") as path:
        yield lambda number: _w3_round(bench, path, rows, number)


def _w3_round(bench: Bench, path: Path, rows: int, number: int) -> list[Figure]:
    def floor() -> Readings:
        url = bench.databases.fresh("bare-w3")
        first = _bare(url, "--file", str(path))
        return {"B": first, "B again": _bare(url, "--file", str(path))}

    def subject() -> tuple[Import, Import]:
        with bench.product(f"w3-{number}") as server:
            once = _timed(server, lambda client: excel(client, path))
            again = _timed(server, lambda client: excel(client, path))
            _expect_rows(bench, server, rows, what="W3")
            return once, again

    floors, (once, again) = bench.beside(floor, subject)
    return [
        *_judged("W3", f"{rows:,} created", once, rows, ("B", floors["B"])),
        *_judged("W3", f"{rows:,} again", again, rows, ("B", floors["B again"])),
    ]


@contextmanager
def w4(bench: Bench) -> Iterator[Round]:
    """Import the same rows by a control file, and as CSV."""
    rows = rows_of(bench)
    with _in_file(sheets.delimited(rows, ","), "cases.csv") as path:
        yield lambda number: _w4_round(bench, path, rows, number)


def _w4_round(bench: Bench, path: Path, rows: int, number: int) -> list[Figure]:
    def floor(a_form: int) -> Readings:
        url = bench.databases.fresh("bare-w4")
        words = ("--size", str(rows), "--rows-a-form", str(a_form))
        return {"core": _bare(url, *words)}

    def batch(client: Client) -> Callable[[], bool]:
        return haplo(client, sheets.delimited(rows, "\t"))

    figures = []
    ways = {"batch": (batch, 1), "CSV": (lambda client: excel(client, path), A_FORM)}
    for case, (begin, a_form) in ways.items():

        def subject(case: str = case, begin: Any = begin) -> Import:
            with bench.product(f"w4-{case.lower()}-{number}") as server:
                done = _timed(server, begin)
                _expect_rows(bench, server, rows, what=f"W4 {case}")
                return done

        floors, done = bench.beside(partial(floor, a_form), subject)
        rate, *told = _told("W4", f"{rows:,} {case}", done, rows)
        core = (f"core of {_CASES[a_form]} forms", floors["core"])
        figures += [judged(rate, core, ">=", 0.55, 0.75), *told]
    return figures


@contextmanager
def i1(bench: Bench) -> Iterator[Round]:
    """Read cases over sixteen connections, idle and beside two imports."""
    rows = rows_of(bench)
    kept = prepare.kept_cases(bench, bench.options.size)
    product = prepare.copy_of(bench, kept)
    other = Product(product.url)
    product.command("domain", "create", BESIDE)
    words = ("user", "create", USERNAME, "--domain", BESIDE, "--role", "admin")
    product.command(*words, "--password", "the bench knows it")
    output = product.command("api-key", "create", USERNAME, "--domain", BESIDE)
    other.authorization = f"ApiKey {USERNAME}:{output.split()[-1]}"
    with (
        _in_file(sheets.xlsx(rows), "cases.xlsx") as path,
        product.serving() as server,
    ):
        target = replace(
            server.target, domain=BESIDE, authorization=other.authorization
        )
        yield lambda _: _i1_round(bench, server, target, path)


def _i1_round(bench: Bench, server: Server, beside: Target, path: Path) -> list[Figure]:
    idle = bench.timed(server, "points", connections=READERS, **_points(bench)).load
    one, two = Client(server.target), Client(beside)
    ends = [excel(one, path, case_type="imported"), excel(two, path)]
    busy: list[Result] = []
    while not all(is_over() for is_over in ends):
        busy.append(_reads(bench, server))
    failed = sum(result.failed for result in busy)
    bench.expect("I1: failed requests", failed, 0)
    one.close()
    two.close()
    p99 = max(result.p99 for result in busy)
    worst = figure("I1", f"c{READERS} beside two imports", "p99 ms", p99 * 1000)
    return [
        figure("I1", f"c{READERS} idle", "requests/s", idle.rate),
        figure("I1", f"c{READERS} idle", "p99 ms", idle.p99 * 1000),
        judged(worst, ("idle", idle.p99 * 1000), "<=", 5.0, 3.0),
        figure("I1", "meanwhile", "requests/s", min(r.rate for r in busy)),
    ]


def _points(bench: Bench) -> dict[str, Any]:
    return {"size": bench.options.size, "by": "case_id", "seed": bench.numbers()}


def _reads(bench: Bench, server: Server) -> Result:
    plan = Plan(
        target=server.target,
        source="points",
        options=_points(bench),
        connections=READERS,
        seconds=bench.options.seconds,
        warmup=0.5,
    )
    return start(plan)()


class Import:
    """How long an import took, and what it cost."""

    def __init__(self, seconds: float, peak: float, cpu: float) -> None:
        self.seconds = seconds
        self.peak = peak
        self.cpu = cpu


def rows_of(bench: Bench) -> int:
    """Return how many rows a file has."""
    return FEW if bench.options.quick else ROWS


def excel(
    client: Client, path: Path, *, case_type: str = "patient"
) -> Callable[[], bool]:
    """Upload a file of cases; return what tells whether its import is over."""
    fields = {
        "case_type": case_type,
        "search_field": "external_id",
        "search_column": "external_id",
        "create_new_cases": "on",
    }
    body = multipart(fields, path.name, path.read_bytes())
    path_of = f"/a/{client.target.domain}/importer/excel/bulk_upload_api/"
    answer = _sent(client, path_of, body, FORM)
    status = "/a/" + orjson.loads(answer)["status_url"].split("/a/", 1)[1]

    def is_over() -> bool:
        state = client.json("GET", status)
        result = state["result"]
        if state["state"] == 3 or (result and result["errors"]):
            raise RuntimeError(f"the import failed: {result}")
        return bool(state["state"] == 2)

    return is_over


def haplo(client: Client, table: bytes) -> Callable[[], bool]:
    """Import a table by a control file; return what tells whether that is over."""
    base = f"/a/{client.target.domain}/api/haplo-data-import-batch/"
    control = multipart({}, "control.json", orjson.dumps(CONTROL))
    digest = _sent(client, f"{base}control", control, FORM).decode()
    wanted = urlencode({"control": digest}).encode()
    batch = _sent(client, f"{base}batch", wanted, URLENCODED).decode()
    file = multipart({"batch": batch, "name": "cases"}, "cases.tsv", table)
    _sent(client, f"{base}file", file, FORM)
    _sent(client, f"{base}schedule", urlencode({"batch": batch}).encode(), URLENCODED)
    page = f"/a/{client.target.domain}/do/haplo-data-import-batch/batch/{batch}"

    def is_over() -> bool:
        found = client.json("GET", page)
        if found["state"] == "error" or found["errors"]:
            raise RuntimeError(f"the batch failed: {found}")
        return bool(found["state"] == "complete")

    return is_over


def multipart(fields: dict[str, str], name: str, content: bytes) -> bytes:
    """Return a form with a file, as a browser sends it."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n'
        f"{text}\r\n"
        for field, text in fields.items()
    ]
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; '
        f'filename="{name}"\r\nContent-Type: application/octet-stream\r\n\r\n'
    )
    end = f"\r\n--{BOUNDARY}--\r\n"
    return "".join(parts).encode() + head.encode() + content + end.encode()


def _timed(server: Server, begin: Callable[[Client], Callable[[], bool]]) -> Import:
    client = Client(server.target)
    before = processes.cpu_seconds(server.pid)
    with processes.PeakWatch(server.pid) as watch:
        started = time.perf_counter()
        is_over = begin(client)
        while not is_over():
            if time.perf_counter() - started > AT_MOST:
                raise RuntimeError("the import does not end")
            time.sleep(ASK_AGAIN)
        took = time.perf_counter() - started
    client.close()
    return Import(took, watch.peak, processes.cpu_seconds(server.pid) - before)


def _sent(client: Client, path: str, body: bytes, content_type: str) -> bytes:
    status, answer = client.call("POST", path, body, content_type)
    if status != 200:
        raise RuntimeError(f"POST {path}: {status} {answer[:500]!r}")
    return answer


def _expect_rows(bench: Bench, server: Server, rows: int, *, what: str) -> None:
    checks.expect_cases(bench, server, rows, what=what)
    checks.expect_content(
        bench,
        server,
        list(range(rows - 2000, rows)),
        what=what,
        by="external_ids",
        properties=sheets.properties,
    )


def _judged(
    name: str, case: str, done: Import, rows: int, floor: tuple[str, float]
) -> list[Figure]:
    rate, *told = _told(name, case, done, rows)
    return [judged(rate, floor, ">=", 0.60, 0.80), *told]


def _told(name: str, case: str, done: Import, rows: int) -> list[Figure]:
    return [
        figure(name, case, "rows/s", rows / done.seconds),
        figure(name, case, "CPU us/row", done.cpu * 1e6 / rows),
        figure(name, case, "peak MB", done.peak),
    ]


def _bare(url: str, *words: str) -> float:
    argv = [sys.executable, "-m", "bench.bare", "import", "--db", url, *words]
    _, _, _, output = processes.timed(argv, env=dict(os.environ), folder=ROOT)
    return float(output.split()[-1])


@contextmanager
def _in_file(content: bytes, name: str) -> Iterator[Path]:
    with TemporaryDirectory(prefix="bench-import-") as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        yield path
