"""The parameters of the batch import API, wherever they stand in a request. Pure.

``rules/batch-imports.md`` 1.1: query string, form and text fields are one; the last
value of a name counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from api.wire.multipart_body import Part, read_parts
from api.wire.problems import Problem
from ledger.forms.names import is_legal, printable
from ledger.forms.xml import xml_safe

FAILED_VALIDATION: Final = "Bad request (failed validation)"
LONGEST_TEXT: Final = 131_072
"""Bytes that a text field may have."""

_FORM: Final = "application/x-www-form-urlencoded"
_MULTIPART: Final = "multipart/form-data"
_MOST_FIELDS: Final = 1000
_LONGEST_NAME: Final = 255
_FOLDERS: Final = re.compile(r".*[/\\]", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Sent:
    """A file of a request: its name without folders, and its bytes."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Given:
    """The parameters of a request: texts, and files by the names of their fields."""

    texts: Mapping[str, str]
    files: Mapping[str, Sent]

    def text(self, name: str) -> str:
        """Return a text that must be there; raises the 400 ``Problem``."""
        found = self.texts.get(name, "")
        if not found:
            raise failed_validation()
        return found

    def comment(self, default: str) -> str:
        """Return the comment, or what stands for one."""
        return xml_safe(self.texts.get("comment", "")) or default

    def name(self) -> str:
        """Return the name of a data file; raises the 400 for one that none can be."""
        found = self.text("name")
        if not is_legal(found):
            raise failed_validation()
        return found

    def file(self, name: str) -> Sent:
        """Return a file that must be there; raises the 400 ``Problem``."""
        if name not in self.files:
            raise failed_validation()
        return self.files[name]


@dataclass(frozen=True, slots=True)
class Request:
    """What of a request holds its parameters."""

    query: str
    content_type: str
    body: bytes


def failed_validation() -> Problem:
    """Return the 400 for a parameter that is missing or cannot be one."""
    return Problem(400, FAILED_VALIDATION)


def read_given(request: Request, *, files: Collection[str] = ()) -> Given:
    """Return the parameters of a request; ``files`` names the fields of its files.

    Raises the 400 ``Problem`` for a file in another field, for a text that is too long
    and for a body that cannot be read.
    """
    texts = [*_pairs(request.query.encode("utf-8", "surrogateescape"))]
    found: dict[str, Sent] = {}
    for part in parts_of(request):
        if not part.filename:
            texts.append((part.name, part.content))
        elif part.name in files:
            found[part.name] = sent(part)
        else:
            raise unexpected_file(part.name)
    if _kind(request) == _FORM:
        texts += _pairs(request.body)
    return Given(dict(_checked(texts)), found)


def parts_of(request: Request) -> list[Part]:
    """Return the parts of a multipart body, of every other body none."""
    if _kind(request) != _MULTIPART:
        return []
    try:
        return read_parts(request.body, request.content_type)
    except ValueError:
        raise failed_validation() from None


def sent(part: Part) -> Sent:
    """Return the file that a part is."""
    name = printable(_FOLDERS.sub("", part.filename or ""))
    return Sent(name[-_LONGEST_NAME:], part.content)


def named_files(parts: Sequence[Part]) -> Iterator[tuple[str | None, Sent]]:
    """Yield each file of a form with the ``name`` that stands before it, if any.

    A field in which no file was chosen uses its name up.
    """
    name: str | None = None
    for part in parts:
        if part.name == "name" and not part.filename:
            name = part.content.decode("utf-8", "replace").strip() or None
        elif part.name == "file":
            if part.filename:
                yield name, sent(part)
            name = None


def unexpected_file(field: str) -> Problem:
    """Return the 400 for a file in a field that takes none."""
    name = printable(field).replace("<", "&lt;").replace(">", "&gt;")
    return Problem(
        400,
        "A file was uploaded, but it was not expected by the application. "
        f"Field name: '{name}'",
    )


def _kind(request: Request) -> str:
    return request.content_type.partition(";")[0].strip().lower()


def _pairs(text: bytes) -> list[tuple[str, bytes]]:
    try:
        pairs = parse_qsl(
            text.decode("utf-8", "replace"),
            keep_blank_values=True,
            errors="replace",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError:
        raise failed_validation() from None
    return [(name, value.encode("utf-8", "replace")) for name, value in pairs]


def _checked(texts: Sequence[tuple[str, bytes]]) -> Iterator[tuple[str, str]]:
    for name, value in texts:
        if len(value) > LONGEST_TEXT:
            raise failed_validation()
        yield name, value.decode("utf-8", "replace")
