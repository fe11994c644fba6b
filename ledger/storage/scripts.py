"""What several domains write in one transaction, put together table by table.

A statement costs about what the rows of a form do. Where a commit has a form or two of
each of many domains, their rows share statements, and each domain keeps its order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sqlalchemy import Table

from ledger.storage.dialect import Dialect, Row, kinds_of

Names = tuple[str, ...]
Verb = tuple[Table, str, Names]
"""What is done to the rows of a table: which verb, and to which columns if not all."""
Script = list[tuple[Verb, Sequence[Row]]]
"""What one domain writes, in order."""


def text_of(verb: Verb, make: Dialect, rows: int = 0) -> tuple[str, tuple[str, ...]]:
    """Return the statement that writes so many rows, and the kinds of their columns.

    Without a number it is for any.
    """
    table, act, names = verb
    if act == "delete":
        return make.delete_sql(table, rows), kinds_of(table.primary_key)
    if act == "set":
        columns = [*table.primary_key, *(table.c[name] for name in names)]
        return make.update_sql(table, names, rows), kinds_of(columns)
    return make.insert_sql(table, act, rows), kinds_of(table.columns)


def merged(scripts: Sequence[Script]) -> Iterator[tuple[Verb, list[Row]]]:
    """Yield what all scripts write; that of each script stays in its order.

    No row of one domain is that of another, so between them any order will do. What
    some still have to write later waits for them, unless all wait for each other.
    """
    left = [script[::-1] for script in scripts if script]
    later = Counter(verb for script in left for verb, _ in script[:-1])
    while left:
        heads = [script[-1][0] for script in left]
        verb = next((verb for verb in heads if not later[verb]), heads[0])
        rows: list[Row] = []
        for script in left:
            if script[-1][0] == verb:
                rows += script.pop()[1]
                if script:
                    later[script[-1][0]] -= 1
        left = [script for script in left if script]
        yield verb, rows
