"""``python -m bench``: run workloads, prepare databases, read the units."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from bench import against, machine, prepare, report, servers, units
from bench.databases import KINDS, open_databases
from bench.figures import Figure, medians
from bench.harness import Bench, Options, save_json
from bench.report import Section
from bench.workloads import ON_POSTGRESQL_ONLY, WORKLOADS

SIZES = {"10k": 10_000, "100k": 100_000, "1M": 1_000_000, "10M": 10_000_000}


def main(arguments: list[str]) -> int:
    """Run a command, by default a quick run; return 1 when something came out wrong."""
    options = _parser().parse_args(arguments or ["run", "--quick"])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    command: Callable[[argparse.Namespace], int] = options.command
    return command(options)


def run(options: argparse.Namespace) -> int:
    """Run workloads on one or both databases and report."""
    if options.against is not None:
        return _run_against(options)
    sections = [_section(kind, options) for kind in _kinds(options.db)]
    for section in sections:
        sys.stdout.write(report.as_table(section) + "\n")
    if options.json:
        found = {
            "machine": machine.facts(),
            "sections": [report.as_json(section) for section in sections],
        }
        save_json(Path(options.json), found)
    return int(any(section.problems for section in sections))


def _run_against(options: argparse.Namespace) -> int:
    """Run workloads here and at another commit, in turns, and report both."""
    words = ["--db", options.db, "--size", options.size]
    words += ["--workloads", options.workloads]
    words += ["--seconds", str(options.seconds)] if options.seconds else []
    words += ["--quick"] if options.quick else []
    words += ["--long-log"] if options.long_log else []
    rounds = options.rounds or (1 if options.quick else 5)
    found = against.compare(options.against, words, rounds=rounds)
    sys.stdout.write(against.as_table(found) + "\n")
    if options.json:
        told = {
            "machine": machine.facts(),
            "against": options.against,
            "pairs": [asdict(pair) for pair in found],
        }
        save_json(Path(options.json), told)
    return 0


def prepare_databases(options: argparse.Namespace) -> int:
    """Load the databases that workloads read, for later runs."""
    size = SIZES[options.size]
    for kind in _kinds(options.db):
        bench = _bench(kind, options)
        try:
            if options.again:
                prepare.forget(bench)
            prepare.kept_cases(bench, size)
            prepare.kept_bare_cases(bench, size)
            if options.log:
                prepare.kept_log(bench, size)
                prepare.kept_bare_log(bench, size)
        finally:
            bench.databases.close()
    return 0


def read_units(options: argparse.Namespace) -> int:
    """Read H, P, S, Q and, when asked for, X."""
    with servers.hello() as hello:
        found = {"H": units.hello_rate(hello, seconds=3.0)}
    found |= {"P": units.parse_rate(), "S": units.sync_rate(servers.work_folder())}
    for kind in KINDS:
        bench = _bench(kind, options)
        url = prepare.kept_bare_cases(bench, SIZES["10k"])
        found[f"Q {kind}"] = units.point_read_ms(url, size=SIZES["10k"])
        bench.databases.close()
    if options.sheet:
        found["X"] = units.sheet_rate()
    for name, value in found.items():
        sys.stdout.write(f"{name:12} {value:12,.3f}\n")
    return 0


def _section(kind: str, options: argparse.Namespace) -> Section:
    bench = _bench(kind, options)
    figures: list[Figure] = []
    try:
        for name in _workloads(options.workloads, kind):
            figures += _workload(bench, name)
        version = bench.databases.version()
    finally:
        bench.databases.close()
    read = {"P": units.parse_rate(), "S": units.sync_rate(servers.work_folder())}
    return Section(kind, version, figures, read, bench.problems)


def _workload(bench: Bench, name: str) -> list[Figure]:
    """Run one workload; a failure is noted and does not stop the others."""
    log = logging.getLogger(__name__)
    rounds: list[list[Figure]] = []
    try:
        with WORKLOADS[name](bench) as one_round:
            for number in range(bench.options.rounds):
                log.info("%s on %s, round %d", name, bench.kind, number + 1)
                rounds.append(one_round(number))
    except Exception as error:
        log.exception("%s failed", name)
        bench.complain(f"{name} failed: {error}")
    return medians(rounds)


def _bench(kind: str, options: argparse.Namespace) -> Bench:
    quick = getattr(options, "quick", False)
    made = Options(
        size=SIZES[getattr(options, "size", "100k")],
        rounds=getattr(options, "rounds", None) or (1 if quick else 5),
        seconds=getattr(options, "seconds", None) or (3.0 if quick else 10.0),
        warmup=0.5 if quick else 2.0,
        repeats=1 if quick else 3,
        quick=quick,
        long_log=getattr(options, "long_log", False),
    )
    return Bench(open_databases(kind, servers.work_folder()), made)


def _kinds(name: str) -> tuple[str, ...]:
    return KINDS if name == "both" else (name,)


def _workloads(names: str, kind: str) -> list[str]:
    wanted = list(WORKLOADS) if names == "all" else names.split(",")
    if unknown := [name for name in wanted if name not in WORKLOADS]:
        raise SystemExit(
            f"no workload {', '.join(unknown)}; have {', '.join(WORKLOADS)}"
        )
    skipped = ON_POSTGRESQL_ONLY if kind == "sqlite" else ()
    return [name for name in wanted if name not in skipped]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    commands = parser.add_subparsers(required=True)
    runs = commands.add_parser("run", help="run workloads and print a table")
    _common(runs)
    runs.add_argument("--workloads", default="all", help="ids with commas, or all")
    runs.add_argument("--rounds", type=int, help="default 5, 1 when quick")
    runs.add_argument("--seconds", type=float, help="of one measurement, default 10")
    runs.add_argument("--quick", action="store_true", help="3 s and one round")
    runs.add_argument("--long-log", action="store_true", help="W5 with L(1M) too")
    runs.add_argument("--json", help="write all figures to this file too")
    runs.add_argument(
        "--against", metavar="COMMIT", help="beside the same rounds of another commit"
    )
    runs.set_defaults(command=run)
    prepares = commands.add_parser("prepare", help="load databases for later runs")
    _common(prepares)
    prepares.add_argument("--log", action="store_true", help="L(size) too, for W5, W15")
    prepares.add_argument("--again", action="store_true", help="forget those there are")
    prepares.set_defaults(command=prepare_databases)
    reads = commands.add_parser("units", help="read the units of this machine")
    reads.add_argument("--sheet", action="store_true", help="X too; takes a minute")
    reads.set_defaults(command=read_units)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--db", choices=[*KINDS, "both"], default="both")
    parser.add_argument("--size", choices=list(SIZES), default="100k")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
