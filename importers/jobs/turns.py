"""Imports of a domain that may meet run one after the other, the first asked for first.

``rules/excel-import.md`` 17.2 and ``rules/batch-imports.md`` R0.6. Two may meet when
one could find what the other makes. Those that cannot, and those of different domains,
overlap, a chunk of each at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ledger.jobs.values import Job, JobKey, OpenJob
from ledger.times import Micros

EXCEL = "excel"
HAPLO = "haplo"
SUNBIRD = "sunbird"

TOUCHES = "touches"
"""The option of a job with the case types that its rows can find, change or make.

An import without it may look at anything.
"""

_KINDS = (EXCEL, HAPLO, SUNBIRD)


def to_be_taken_up(
    found: Sequence[OpenJob], now: Micros, *, is_full: Callable[[str], bool]
) -> Iterator[JobKey]:
    """Yield the jobs that can be taken up now, in the order of those that are open.

    ``is_full`` tells whether a domain has all the places that it may have.
    """
    for job in found:
        if job.ready_on <= now and not is_full(job.domain) and not waits(job, found):
            yield job.key


def waits(job: Job | OpenJob, found: Sequence[OpenJob]) -> bool:
    """Tell whether an import that was asked for earlier has to end first."""
    if job.kind not in _KINDS:
        return False
    own, options = (job.created_on, job.job_id), job.options
    return any(
        other.domain == job.domain
        and other.kind in _KINDS
        and (other.created_on, other.job_id) < own
        and may_meet(options, other.options)
        for other in found
    )


def may_meet(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell by their options whether an import may find what another one makes."""
    ours, theirs = one.get(TOUCHES), other.get(TOUCHES)
    if ours is None or theirs is None:
        return True
    return not set(ours).isdisjoint(theirs)
