"""``caseledger job``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Group
from api.cli.options import AS_IT_IS, OUTPUT, domain_option, limit_option
from ledger.jobs.values import JobState

_DOMAIN = domain_option("The job's domain")
_JOB = click.argument("job_id")


@click.group(cls=Group)
def job() -> None:
    """List, show, run, cancel and retry jobs."""


@job.command("list")
@_DOMAIN
@click.option("--kind", metavar="KIND", help="Only jobs of this kind.")
@click.option(
    "--state",
    type=click.Choice([state.value for state in JobState]),
    help="Only jobs in this state.",
)
@limit_option(100_000)
@OUTPUT
def list_jobs() -> None:
    """Print the newest jobs: id, kind, state, how far, when it was asked for."""


@job.command()
@_JOB
@_DOMAIN
@AS_IT_IS
def show() -> None:
    """Print a job as JSON, in the shape of the API."""


@job.command()
@_JOB
@_DOMAIN
@OUTPUT
def cancel() -> None:
    """Stop a job, after its present chunk when it runs."""


@job.command()
@_JOB
@_DOMAIN
@AS_IT_IS
def retry() -> None:
    """Let a job go on that failed, was cancelled or interrupted; see it through."""


@job.command()
@_JOB
@_DOMAIN
def forget() -> None:
    """Drop the files of an import, for good; what it did stays."""


@job.command()
@_JOB
@_DOMAIN
@AS_IT_IS
def run() -> None:
    """Run a job that waits, or watch it while a server runs it."""
