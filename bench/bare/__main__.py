"""``python -m bench.bare``: the yardsticks as processes of their own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from collections.abc import Callable
from functools import partial

from bench import xforms
from bench.bare import importing, postgres, rows, server, sqlite


def main() -> None:
    """Run one of the yardsticks."""
    parser = argparse.ArgumentParser(prog="python -m bench.bare")
    parser.add_argument("what", choices=["hello", "serve", *_ONCE])
    parser.add_argument("--db", default="", help="URL of the database")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--obliged", action="store_true", help="B+ instead of B")
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--file", default="", help="a sheet to read or to import")
    parser.add_argument("--rows-a-form", type=int, default=importing.A_FORM)
    parser.add_argument("--domain", default="bench")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.what == "hello":
        server.serve(server.hello_app, options.port, workers=options.workers)
    elif options.what == "serve":
        make = partial(server.bare_app, options.db, obliged=options.obliged)
        server.serve(make, options.port, workers=options.workers)
    else:
        _ONCE[options.what](options)


def _fill(options: argparse.Namespace) -> None:
    if options.db.startswith("sqlite"):
        sqlite.fill(options.db, options.size, domain=options.domain)
    else:
        asyncio.run(postgres.fill(options.db, options.size, domain=options.domain))


def _fill_log(options: argparse.Namespace) -> None:
    bodies = (xforms.log_form(i, options.size) for i in range(options.size))
    if options.db.startswith("sqlite"):
        sqlite.fill_forms(options.db, bodies)
    else:
        asyncio.run(postgres.fill_forms(options.db, bodies))


def _replay(options: argparse.Namespace) -> None:
    url, started = options.db, time.perf_counter()
    if url.startswith("sqlite"):
        total = sqlite.rebuild(url, rows.Fold())
    else:
        total = asyncio.run(postgres.rebuild(url, rows.Fold()))
    print(total, time.perf_counter() - started)


def _read(options: argparse.Namespace) -> None:
    importing.read(options.file)


def _import(options: argparse.Namespace) -> None:
    if options.file:
        print(importing.import_sheet(options.db, options.file))
    else:
        a_form = options.rows_a_form
        print(importing.import_rows(options.db, options.size, a_form=a_form))


_ONCE: dict[str, Callable[[argparse.Namespace], None]] = {
    "fill": _fill,
    "fill-log": _fill_log,
    "replay": _replay,
    "read": _read,
    "import": _import,
}


if __name__ == "__main__":
    main()
