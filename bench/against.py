"""The bench of this tree beside that of another commit, round by round in turns.

A machine is twice as fast in one minute as in the next. So each round runs both, the
first one changes from round to round, and what counts is the median of the ratios of
each round.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import orjson

from bench.report import columns, number
from bench.servers import ROOT, work_folder

Key = tuple[str, str, str, str]
Readings = dict[Key, float]

_HEADER = ["database", "workload", "case", "measure", "here", "there", "ratio"]
_ALIGN = "<<<<>>>"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of this tree and of another commit: medians, and that of the ratios."""

    key: Key
    here: float
    there: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Side:
    """A tree whose bench is run, and where it keeps its databases."""

    root: Path
    folder: Path

    def read(self, words: Sequence[str]) -> Readings:
        """Run one round of this tree's bench; raises ``RuntimeError``."""
        with TemporaryDirectory(prefix="caseledger-bench-") as folder:
            path = Path(folder) / "figures.json"
            argv = [sys.executable, "-m", "bench", "run", *words, "--rounds", "1"]
            done = subprocess.run(
                [*argv, "--json", str(path)],
                cwd=self.root,
                env=self._environment(),
                stdout=subprocess.DEVNULL,
                check=False,
            )
            if not path.exists():
                raise RuntimeError(f"the bench in {self.root} ended: {done.returncode}")
            return readings(path.read_bytes())

    def _environment(self) -> dict[str, str]:
        # An older bench starts the installed command, which is to import this tree.
        path = os.pathsep.join([str(self.root), os.environ.get("PYTHONPATH", "")])
        return {
            **os.environ,
            "PYTHONPATH": path.rstrip(os.pathsep),
            "CASELEDGER_BENCH_DIR": str(self.folder),
        }


def compare(commit: str, words: Sequence[str], *, rounds: int) -> list[Pair]:
    """Run so many rounds here and at a commit; return what both have measured.

    ``words`` are options of ``bench run``. Raises ``RuntimeError``, also for a commit
    that is none.
    """
    ours, theirs = [], []
    with _other_tree(commit) as there:
        here = Side(ROOT, work_folder())
        for turn in range(rounds):
            sides = [(here, ours), (there, theirs)]
            for side, found in sides if turn % 2 == 0 else sides[::-1]:
                log.info("round %d in %s", turn + 1, side.root)
                found.append(side.read(words))
    return pairs(ours, theirs)


def readings(text: bytes) -> Readings:
    """Return the figures of a report by database, workload, case and measure."""
    return {
        (
            section["database"],
            figure["workload"],
            figure["case"],
            figure["measure"],
        ): figure["value"]
        for section in orjson.loads(text)["sections"]
        for figure in section["figures"]
    }


def pairs(ours: Sequence[Readings], theirs: Sequence[Readings]) -> list[Pair]:
    """Return what both sides have measured in every round, in the order of ours."""
    keys = [key for key in ours[0] if all(key in r for r in (*ours, *theirs))]
    return [
        Pair(
            key=key,
            here=median(r[key] for r in ours),
            there=median(r[key] for r in theirs),
            ratio=median(
                mine[key] / other[key] if other[key] else float("nan")
                for mine, other in zip(ours, theirs, strict=True)
            ),
        )
        for key in keys
    ]


def as_table(found: Sequence[Pair]) -> str:
    """Return pairs as text in columns."""
    rows = [
        [*pair.key, number(pair.here), number(pair.there), f"{pair.ratio:.2f}"]
        for pair in found
    ]
    return "\n".join([*columns([_HEADER, *rows], _ALIGN), ""])


@contextmanager
def _other_tree(commit: str) -> Iterator[Side]:
    """Check a commit out beside this tree until the block ends."""
    name = _git("rev-parse", "--short", f"{commit}^{{commit}}")
    folder = work_folder() / "against" / name
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="caseledger-against-") as temporary:
        root = Path(temporary) / name
        _git("worktree", "add", "--detach", "--force", str(root), name)
        try:
            yield Side(root, folder)
        finally:
            _git("worktree", "remove", "--force", str(root))


def _git(*words: str) -> str:
    done = subprocess.run(
        ["git", *words],  # noqa: S607 - whichever git there is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"git {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout.strip()
