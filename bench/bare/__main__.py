"""``python -m bench.bare``: the yardsticks as processes of their own."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import time
from functools import partial

from bench import xforms
from bench.bare import postgres, rows, server, sqlite


def main() -> None:
    """Run one of ``hello``, ``serve``, ``fill``, ``fill-log`` and ``replay``."""
    parser = argparse.ArgumentParser(prog="python -m bench.bare")
    parser.add_argument(
        "what", choices=["hello", "serve", "fill", "fill-log", "replay"]
    )
    parser.add_argument("--db", default="", help="URL of the database")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--domain", default="bench")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if options.what == "hello":
        server.serve(server.hello_app, options.port, workers=options.workers)
    elif options.what == "serve":
        make = partial(server.bare_app, options.db)
        server.serve(make, options.port, workers=options.workers)
    elif options.what == "fill":
        _fill(options)
    elif options.what == "fill-log":
        _fill_log(options)
    else:
        _replay(options.db)


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


def _replay(url: str) -> None:
    started = time.perf_counter()
    if url.startswith("sqlite"):
        total = sqlite.rebuild(url, rows.Fold())
    else:
        total = asyncio.run(postgres.rebuild(url, rows.Fold()))
    print(total, time.perf_counter() - started)


if __name__ == "__main__":
    main()
