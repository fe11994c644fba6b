"""Rows made of values many at a time, a column after the other. Pure.

Most columns are texts with nothing odd in them, and that is found out of a whole
column at once. Rows in which anything is odd are made one by one (``rows.to_row``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from importers.tables.rows import NEVER_SET, Kind, Row, Values, convert, tells, to_row
from ledger.forms.names import is_legal

_AT_ONCE = 200
_TEXTS = frozenset({str, type(None)})
_TEXT, _BLANK = Kind.TEXT.value, Kind.BLANK.value

Numbered = tuple[int, Values]
"""A row of values with its number."""


class _Column(NamedTuple):
    """What a column says; of rows that are ``odd`` there is more to be said."""

    texts: Sequence[str | None]
    kinds: Sequence[str]
    odd: Iterable[int] = ()


def in_batches(rows: Iterable[Numbered]) -> Iterator[list[Numbered]]:
    """Yield rows many at a time; those before a failure come before it."""
    batch: list[Numbered] = []
    try:
        for row in rows:
            batch.append(row)
            if len(batch) == _AT_ONCE:
                yield batch
                batch = []
    except Exception:
        if batch:
            yield batch
        raise
    if batch:
        yield batch


def to_rows(batch: Sequence[Numbered], headers: Sequence[str]) -> list[Row]:
    """Return the values under the headers as rows, as ``to_row`` makes them."""
    width = len(headers)
    if not width or not all(headers):
        return [to_row(number, values, headers) for number, values in batch]
    odd = {place for place, (_, values) in enumerate(batch) if len(values) > width}
    fitted = (_filled(values, width) for _, values in batch)
    columns = [_column(values) for values in zip(*fitted, strict=True)]
    odd.update(*(column.odd for column in columns))
    texts = zip(*(column.texts for column in columns), strict=True)
    kinds = zip(*(column.kinds for column in columns), strict=True)
    rows = [
        Row(number, of_row, "".join(of_kind))
        for (number, _), of_row, of_kind in zip(batch, texts, kinds, strict=True)
    ]
    for place in odd:
        rows[place] = to_row(*batch[place], headers)
    return rows


def _filled(values: Values, width: int) -> Values:
    count = len(values)
    if count == width:
        return values
    return values[:width] if count > width else [*values, *[None] * (width - count)]


def _column(values: Sequence[Any]) -> _Column:
    if _TEXTS.issuperset(map(type, values)):
        texts = list(filter(None, values))
        joined = "\n".join(texts)
        if NEVER_SET not in joined and is_legal(joined):
            if len(texts) == len(values):
                return _Column(values, _TEXT * len(values))
            kinds = [_TEXT if value else _BLANK for value in values]
            return _Column([value or None for value in values], kinds)
    found = list(map(convert, values))
    return _Column(
        [text for text, _, _ in found],
        [kind for _, kind, _ in found],
        [n for n, value in enumerate(values) if found[n][2] or tells(value)],
    )
