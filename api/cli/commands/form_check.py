"""``caseledger form check``, as it is typed."""

from __future__ import annotations

from pathlib import Path

import click

from api.cli.declared import Command
from api.cli.options import OUTPUT

FORM = "form"

RESPONSE = "response"

_KINDS = (FORM, RESPONSE)


@click.command(cls=Command)
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option(
    "--domain", metavar="D", help="Also tell what this domain would say to each form."
)
@click.option(
    "--attachment",
    "attachments",
    multiple=True,
    metavar="NAME",
    help="A file that would come with the forms; may be repeated.",
)
@click.option(
    "--as",
    "kind",
    type=click.Choice(_KINDS),
    default=FORM,
    show_default=True,
    help="What the files are: forms, or answers to devices.",
)
@OUTPUT
def check() -> None:
    """Tell why forms are refused, or would be, and where in them.

    A folder stands for the .xml files in it, a .zip for those in the archive, - for
    standard input. Nothing is appended. Without --domain the forms are checked by
    themselves, and no database is opened; with it they are tried in the domain too, one
    after the other.

    Prints "ok" and the file, or a line for each finding: refused or warning, file,
    line, path, and what is wrong. With a warning the form is taken all the same.
    """
