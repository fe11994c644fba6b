"""Acts on many forms as chunks of a job, and the count of what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from importers.jobs.worker import JobContext
from ledger.commands.completions import ChangeFiles
from ledger.commands.form_states import ChangeForms
from ledger.commands.values import FormOutcome
from ledger.errors import LedgerError
from ledger.jobs.values import Job

_MOST_TOLD = 100
_WORDS = {
    "archive": "archived",
    "unarchive": "unarchived",
    "form_delete": "deleted",
    "form_restore": "restored",
    "reprocess": "reprocessed",
    "complete": "completed",
    "uncomplete": "without added files",
}


async def append_acts(
    context: JobContext,
    command: ChangeForms | ChangeFiles,
    *,
    total: int,
    **cursor: Any,
) -> None:
    """Append a chunk of acts; the progress counts them and holds the cursor."""
    before = context.job.progress

    def advance(outcomes: Sequence[Any]) -> Mapping[str, Any]:
        (outcome,) = outcomes
        if isinstance(outcome, LedgerError):
            raise outcome
        return {**_counted(before, command.kind.value, outcome, total), **cursor}

    await context.step([command], advance)


def tally_of(job: Job) -> dict[str, Any]:
    """Return what became of the forms so far: how many of each, and problems."""
    progress = job.progress
    return {
        "changed": progress.get("changed", {}),
        "skipped": progress.get("skipped", 0),
        "problems": progress.get("problems", []),
    }


def _counted(
    before: Mapping[str, Any],
    kind: str,
    outcomes: Sequence[FormOutcome],
    total: int,
) -> dict[str, Any]:
    skipped = [outcome for outcome in outcomes if not outcome.changed]
    changed = Counter(before.get("changed", {}))
    changed[_WORDS[kind]] += len(outcomes) - len(skipped)
    problems = [*before.get("problems", ()), *map(_told, skipped)]
    done = before.get("done", 0) + len(outcomes)
    return {
        "done": done,
        "total": max(total, done),
        "changed": dict(changed),
        "skipped": before.get("skipped", 0) + len(skipped),
        "problems": problems[:_MOST_TOLD],
    }


def _told(outcome: FormOutcome) -> dict[str, str | None]:
    return {
        "form_id": outcome.form_id,
        "state": outcome.state,
        "problem": outcome.problem or f"its state is {outcome.state} already",
    }
