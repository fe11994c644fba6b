"""The body of an upload: its fields, and its file in a file.

A workbook may be as large as an operator allows, so it is written down as it comes, and
its digest is made on the way.
"""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import BinaryIO

from aiohttp import web
from aiohttp.hdrs import CONTENT_TYPE
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from api.wire.problems import Problem
from importers.excel.rules.options import refusal
from importers.tables.unreadable import Limits
from ledger.bodies import FileToStore
from ledger.forms.names import printable

_AROUND = 1024 * 1024
"""What fields, headers and boundaries may add to the file."""

_GATHERED = 1024 * 1024
_LONGEST_FIELD = 64 * 1024
_LONGEST_NAME = 255
_MOST_PARTS = 1000


class Received:
    """What has come so far; of several parts of one name the last one counts."""

    def __init__(self, path: Path, content_type: str, limits: Limits) -> None:
        """Begin with nothing; the file will stand at ``path``."""
        self.path = path
        self.fields: dict[str, str] = {}
        self.file_name: str | None = None
        self.is_too_large = False
        self._left = limits.file_size
        self.limits = limits
        self._parser = _parser(content_type)
        self._head: MultipartSegment = None
        self._field = bytearray()
        self._file: BinaryIO | None = None
        self._digest = hashlib.sha256()
        self._length = 0

    def feed(self, data: bytes) -> None:
        """Take some of the body, none at its end; blocks while it writes.

        A body that is broken has neither file nor fields.
        """
        if self._parser is None:
            return
        try:
            for event in self._parser.parse(data):
                self._take(event)
        except MultipartError:
            self._parser = None
            self.fields, self.file_name = {}, None

    def close(self) -> None:
        """Have the file written out."""
        if self._file is not None:
            self._file.close()

    def _take(self, event: MultipartSegment | bytes | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        elif self._is_file:
            self._write(event)
        elif len(self._field) < _LONGEST_FIELD:
            self._field += event

    @property
    def file(self) -> FileToStore:
        """Return the file, once all of it has come."""
        return FileToStore(
            name=self.file_name or "",
            path=self.path,
            length=self._length,
            sha256=self._digest.hexdigest(),
        )

    @property
    def _is_file(self) -> bool:
        return self._head.name == "file" and bool(self._head.filename)

    def _begin(self, head: MultipartSegment) -> None:
        self._head = head
        self._field.clear()
        if self._is_file:
            self.close()
            self._file = self.path.open("wb")
            self._left = self.limits.file_size
            self.is_too_large = False
            self._digest, self._length = hashlib.sha256(), 0

    def _write(self, content: bytes) -> None:
        self._left -= len(content)
        self.is_too_large = self._left < 0
        if self._file is not None and not self.is_too_large:
            self._file.write(content)
            self._digest.update(content)
            self._length += len(content)

    def _end(self) -> None:
        if self._is_file:
            name = Path(self._head.filename or "").name
            self.file_name = printable(name)[-_LONGEST_NAME:]
        elif self._head.filename is None:
            text = self._field.decode("utf-8", "replace")
            self.fields[self._head.name or ""] = text


async def receive(request: web.Request, path: Path, limits: Limits) -> Received:
    """Read the body of a request, writing its file to a path.

    Raises a 413 ``Problem`` when it is larger than an upload may be.
    """
    most = limits.file_size + _AROUND
    if (request.content_length or 0) > most:
        raise _too_large(limits)
    received = Received(path, request.headers.get(CONTENT_TYPE, ""), limits)
    try:
        await _read(request, received, most)
    finally:
        received.close()
    if received.is_too_large:
        raise _too_large(limits)
    return received


async def _read(request: web.Request, received: Received, most: int) -> None:
    """Hand the body over in pieces that are worth a thread."""
    gathered = bytearray()
    length = 0
    async for data in request.content.iter_any():
        length += len(data)
        if length > most:
            raise _too_large(received.limits)
        gathered += data
        if len(gathered) >= _GATHERED:
            await asyncio.to_thread(received.feed, bytes(gathered))
            gathered.clear()
    if gathered:
        await asyncio.to_thread(received.feed, bytes(gathered))
    received.feed(b"")


def _too_large(limits: Limits) -> Problem:
    refused = refusal(limits.file_too_large())
    return Problem(refused.status, refused.text)


def _parser(content_type: str) -> PushMultipartParser | None:
    try:
        _, options = parse_options_header(content_type)
        boundary = options.get("boundary", "").encode("utf-8", "surrogateescape")
        return PushMultipartParser(boundary, max_segment_count=_MOST_PARTS)
    except MultipartError:
        return None
