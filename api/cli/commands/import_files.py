"""``caseledger import``: files of cases, in the dialects of those who write them."""

from __future__ import annotations

import click

from api.cli.commands.import_excel import excel
from api.cli.commands.import_haplo import haplo
from api.cli.commands.import_sunbird import sunbird
from api.cli.declared import Group


@click.group(cls=Group)
def import_files() -> None:
    """Import files of cases; each import is a job that can be undone."""


for _command in (excel, haplo, sunbird):
    import_files.add_command(_command)

# The word of the command line is one of Python's own, so it can be no name here.
globals()["import"] = import_files
