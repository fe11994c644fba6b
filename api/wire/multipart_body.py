"""The parts of a multipart form, fields and files. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

_MAX_PARTS: Final = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """A field, or a file when it has a file name."""

    name: str
    filename: str | None
    content_type: str | None
    content: bytes
    charset: str | None = None


def charset_of(content_type: str) -> str:
    """Return the charset that a ``Content-Type`` names, empty when it names none."""
    _, options = parse_options_header(content_type)
    charset: str = options.get("charset", "")
    return charset


def read_parts(body: bytes, content_type: str) -> list[Part]:
    """Return the parts in their order; raises ``ValueError`` for a broken body."""
    try:
        _, options = parse_options_header(content_type)
        boundary = options.get("boundary", "").encode("utf-8", "surrogateescape")
        with PushMultipartParser(boundary, max_segment_count=_MAX_PARTS) as parser:
            return list(_gathered(parser, body))
    except MultipartError as error:
        raise ValueError(str(error)) from None


def _gathered(parser: PushMultipartParser, body: bytes) -> Iterator[Part]:
    """Yield each part: its head, its content in pieces, then ``None`` at its end."""
    head: MultipartSegment = None
    chunks: list[bytes] = []
    for event in parser.parse(body):
        if isinstance(event, MultipartSegment):
            head, chunks = event, []
        elif event is not None:
            chunks.append(event)
        else:
            yield Part(
                head.name or "",
                head.filename,
                head.content_type,
                b"".join(chunks),
                head.charset,
            )
