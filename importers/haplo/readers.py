"""Readers: the records of a file, one after the other.

``rules/batch-imports.md`` 1.4.2. A file is read from where it lies, and no more of it
is held than a record. Reading blocks, so it is done in a thread.
"""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from importers.haplo.json_records import BadJson, json_records, whole_json
from importers.haplo.rules.scripting import is_truthy, shown
from importers.haplo.xml_records import BadXml, attributes_of, texts_of, xml_records
from importers.rows.rules.repeated import Different, Repeated
from importers.tables.delimited import Delimited, Quotes, Wanted, too_many_cells
from importers.tables.encoding import Encoding, encoding_of
from importers.tables.headers import is_blank, told_of, trimmed
from importers.tables.notices import Fault, Tell, unheard
from importers.tables.open import open_table
from importers.tables.rows import left_out, without_header
from importers.tables.unreadable import DEFAULT_LIMITS, Unreadable

MOST_RECORDS = 1_000_000
"""How many records of a file are read, whatever its format."""

_LONGEST_LINE = 10_000_000
_NO_DELIMITERS = frozenset('\r\n "')
"""Characters that part cells, but not where others may be in quotes."""

_NO_CHARSETS = frozenset(
    {"idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape"}
)
_BOM = "\ufeff"


class FileBroken(Exception):
    """A file cannot be parsed; the text says why."""


class Raw(NamedTuple):
    """A record as its file has it; ``row`` is its row, where files have rows.

    One with a ``fault`` must not be imported.
    """

    data: Any
    length: int
    row: int | None = None
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file on disk, under the name that the control file knows."""

    name: str
    path: Path
    properties: Mapping[str, Any]
    opened: dict[Wanted, Delimited] = field(default_factory=dict, compare=False)
    """Text files that were looked through, by how they are read."""


def records_of(
    source: Source, *, tell: Tell = unheard, most: int = MOST_RECORDS
) -> Generator[Raw]:
    """Yield the records of a file; raises ``FileBroken``, for more than ``most`` too.

    What a reader notices of the file goes to ``tell``, before the records it is about.
    """
    try:
        found = _READERS[source.properties["read"]](source, tell)
        for count, raw in enumerate(found):
            if count == most:
                text = f"it has more than {most} records; split it"
                raise FileBroken(_broken(source, text))
            yield raw
    except (BadJson, BadXml, Different, csv.Error, UnicodeError, OSError) as error:
        raise FileBroken(_broken(source, str(error))) from None
    except Unreadable as error:
        raise FileBroken(_broken(source, error.text)) from None


def _broken(source: Source, reason: str) -> str:
    return f"Could not read file {shown(source.name)}: {shown(reason)}"


def _json(source: Source, _: Tell) -> Iterator[Raw]:
    if _is_single(source):
        document = whole_json(source.path)
        yield Raw(document, source.path.stat().st_size)
        return
    for data, length in json_records(source.path):
        yield Raw(data, length)


def _xml_texts(source: Source, _: Tell) -> Iterator[Raw]:
    found = xml_records(source.path, texts_of, whole=_is_single(source))
    return (Raw(data, _length(data), line) for data, line in found)


def _xml_attributes(source: Source, _: Tell) -> Iterator[Raw]:
    found = xml_records(source.path, attributes_of, whole=_is_single(source))
    return (Raw(data, _length(data), line) for data, line in found)


def _tsv(source: Source, tell: Tell) -> Iterator[Raw]:
    separator = source.properties.get("separator")
    if not isinstance(separator, str) or not separator:
        separator = None
    elif len(separator) > 1 or separator in _NO_DELIMITERS:
        return _split(source, separator, tell)
    wanted = Wanted(
        usual="\t",
        expected=separator or "\t",
        delimiter=separator,
        encoding=_encoding(source),
        quotes=Quotes.AS_EXCEL,
        header_row=None,
    )
    return _delimited(source, wanted, tell)


def _csv(source: Source, tell: Tell) -> Iterator[Raw]:
    wanted = Wanted(encoding=_encoding(source), header_row=None)
    return _delimited(source, wanted, tell)


def _delimited(source: Source, wanted: Wanted, tell: Tell) -> Iterator[Raw]:
    file = source.opened.get(wanted)
    if file is None:
        file = Delimited(source.path, wanted, DEFAULT_LIMITS)
        source.opened[wanted] = file
    names, has_all = file.names, all(file.names)
    repeated = Repeated(names)
    tell(file.notices)
    tell(repeated.notices())
    with closing(file.lines()) as lines:
        for found in lines:
            if all(map(is_blank, found.cells)):
                continue
            line = file.judged(found)
            number, cells, notices, fault = line
            if notices:
                tell(notices)
            if fault is None:
                if not has_all or len(cells) > len(names):
                    tell(without_header(number, cells, names))
                repeated.check(number, cells)
            yield Raw(_named(names, cells), sum(map(len, cells)), number, fault)


def _split(source: Source, separator: str, tell: Tell) -> Iterator[Raw]:
    """Yield the records of a file whose separator is more than a character."""
    names: list[str] | None = None
    for number, line in enumerate(_lines(source), start=1):
        text = line.rstrip("\n")
        if is_blank(text.replace(separator, "")):
            continue
        values = text.split(separator)
        if names is None:
            names = list(map(trimmed, values))
            repeated = Repeated(names)
            tell(told_of(values))
            tell(repeated.notices())
            continue
        fault = too_many_cells(values, len(names), repr(separator))
        if fault is None:
            tell(without_header(number, values, names))
            repeated.check(number, values)
        yield Raw(_named(names, values), len(text), number, fault)


def _xlsx(source: Source, tell: Tell) -> Iterator[Raw]:
    sheet = source.properties.get("sheet")
    sheet = sheet if isinstance(sheet, str) else None
    with open_table(source.path, file_name="data.xlsx", sheet=sheet) as table:
        repeated = Repeated(table.headers)
        if sheet is None:
            tell(left_out(table.head))
        tell(table.notices)
        tell(repeated.notices())
        for row in table.rows():
            tell(row.notices)
            repeated.check(row.number, row.texts)
            data = _named(table.headers, row.texts)
            if data:
                yield Raw(data, _length(data), row.number)


def _lines(source: Source) -> Iterator[str]:
    """Yield lines with their ends; without a byte order mark."""
    encoding = _encoding(source) or encoding_of(source.path)
    with source.path.open(encoding=encoding.codec) as file:
        number = 0
        while line := file.readline(_LONGEST_LINE + 1):
            number += 1
            if number > DEFAULT_LIMITS.lines:
                raise DEFAULT_LIMITS.too_many_lines(number)
            if len(line) > _LONGEST_LINE:
                raise csv.Error(f"a line has more than {_LONGEST_LINE} characters")
            yield line.removeprefix(_BOM) if number == 1 else line


def _encoding(source: Source) -> Encoding | None:
    """Return the encoding that the control file names, if it does."""
    charset = source.properties.get("charset")
    if not isinstance(charset, str) or not charset:
        return None
    codec = _codec(charset)
    return Encoding("utf-8-sig" if codec == "utf-8" else codec)


def _codec(charset: str) -> str:
    """Return the codec of a charset; raises ``UnicodeError`` for what is none."""
    try:
        # An encoding between bytes and bytes has no text to give.
        "".encode(charset)
        found = codecs.lookup(charset).name
    except (LookupError, ValueError):
        found = "undefined"
    if found in _NO_CHARSETS:
        raise UnicodeError(f"unknown charset {shown(charset)}")
    return found


def _named(names: Any, values: Any) -> dict[str, str]:
    """Return values by the names above them; empty ones are absent."""
    pairs = zip(names, values, strict=False)
    return {name: value for name, value in pairs if value and name}


def _length(data: Any) -> int:
    return sum(len(name) + len(value) for name, value in data.items())


def _is_single(source: Source) -> bool:
    return is_truthy(source.properties.get("singleRecord"))


_Reader: TypeAlias = Callable[[Source, Tell], Iterator[Raw]]

_READERS: dict[str, _Reader] = {
    "json": _json,
    "xml-text-of-children": _xml_texts,
    "xml-attributes": _xml_attributes,
    "tsv-with-name-row": _tsv,
    "csv-with-name-row": _csv,
    "xlsx-with-name-row": _xlsx,
}
