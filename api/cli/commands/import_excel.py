"""``caseledger import excel``, as it is typed."""

from __future__ import annotations

import click

from api.cli.declared import Command
from api.cli.options import (
    A_FILE,
    OUTPUT,
    OWNER,
    domain_option,
    failed_rows_option,
)
from importers.excel.rules.options import SearchField


class Renaming(click.ParamType[tuple[str, str]]):
    """A header and what its column is called instead."""

    name = "header=property"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return both; a header may hold a sign of equality, a property none."""
        header, equals, name = value.rpartition("=")
        if not equals or not header or not name.strip():
            self.fail(f"'{value}' is not of the form 'Card No.=card'", param, ctx)
        return header, name.strip()


@click.command(cls=Command)
@click.argument("file", type=A_FILE)
@domain_option()
@click.option("--case-type", required=True, metavar="T", help="Type of the cases.")
@click.option(
    "--search-field",
    type=click.Choice([str(known) for known in SearchField]),
    default=SearchField.CASE_ID.value,
    show_default=True,
    help="By which id rows find their cases.",
)
@click.option("--search-column", metavar="C", help="The column with these ids.")
@click.option(
    "--create-new-cases/--no-create-new-cases",
    default=False,
    help="Whether to make a case of a row that finds none.",
)
@click.option("--name-column", metavar="C", help="The column with the names.")
@OWNER
@click.option("--header-row", metavar="N", help="The row with the headers, if not 1.")
@click.option(
    "--as-shown",
    multiple=True,
    metavar="COLUMN",
    help="Read the numbers of a column as a spreadsheet shows them: 00042, not 42.",
)
@click.option(
    "--map",
    "renamed",
    type=Renaming(),
    multiple=True,
    metavar="HEADER=PROPERTY",
    help="Take a column as if it were called so; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Only tell what would happen.")
@failed_rows_option("Write the rows that failed to a new file, with the reasons.")
@OUTPUT
def excel() -> None:
    """Import a spreadsheet of cases (.xlsx, .xls, .ods, .csv, .tsv or .txt).

    Exits with 1 when a row failed. The job's id is printed: undo takes it back.
    """
