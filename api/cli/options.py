"""Options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from api.cli.new_file import NEW_FILE
from api.config import DOMAIN_VARIABLE
from ledger.times import Micros, format_datetime, parse_datetime, to_micros

Option = Callable[[Callable[..., Any]], Callable[..., Any]]

A_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""A file that is there, to be read."""


class Moment(click.ParamType[Micros]):
    """A time of the command line, as microseconds."""

    name = "time"

    def convert(
        self,
        value: str,
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Micros:
        """Return the microseconds of an ISO 8601 text; a usage error otherwise."""
        try:
            return to_micros(format_datetime(parse_datetime(value)))
        except ValueError:
            self.fail(f"'{value}' is no time such as 2026-05-01T12:00:00Z", param, ctx)


def domain_option(which: str = "The domain") -> Option:
    """Return the option that says which domain, for ``database.the_domain``."""
    return _domain(f"{which}; not needed if there is only one.")


def domains_option(what: str) -> Option:
    """Return the option beside ``--all``, for ``database.the_domains``."""
    return _domain(f"{what} this domain; not needed if there is only one.")


def _domain(text: str) -> Option:
    return click.option(
        "--domain", metavar="D", envvar=DOMAIN_VARIABLE, show_envvar=True, help=text
    )


def limit_option(most: int) -> Option:
    """Return the option that says how many lines a list may have."""
    return click.option(
        "--limit",
        type=click.IntRange(1, most),
        default=50,
        metavar="N",
        show_default=True,
        help="At most so many.",
    )


def with_data(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the option that sets custom data."""
    return click.option(
        "--data",
        multiple=True,
        metavar="KEY=VALUE",
        help="Custom data; may be repeated. An empty value removes the key.",
    )(command)


def _output(_ctx: click.Context, _option: click.Parameter, wanted: object) -> Any:
    return import_module("api.cli.output").output(as_json=bool(wanted))


DOMAIN = domain_option()

OWNER = click.option(
    "--owner",
    metavar="WHO",
    help=(
        "Whom new cases belong to that name no owner: the id or name of a user, a "
        "group or a place."
    ),
)

REASON = click.option("--reason", default="", metavar="R", help="Why; kept in the log.")
WORKERS = click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    default=1,
    show_default=True,
    help="Processes that parse forms ahead.",
)

OUTPUT = click.option(
    "--json",
    "out",
    is_flag=True,
    callback=_output,
    help="Print JSON: an object a line for a list, else one document.",
)
AS_IT_IS = click.option(
    "--json", is_flag=True, expose_value=False, help="Print JSON, as without it."
)
"""For commands that print JSON in any case, so that a script may always say it."""


def failed_rows_option(text: str) -> Option:
    """Return the option of an import that names the file for what was refused."""
    return click.option("--failed-rows", type=NEW_FILE, metavar="OUT.xlsx", help=text)
