"""Parsing forms for a replay, in this process or in helpers of its own.

Folding stays in order; only decompressing and parsing, which are most of a replay's
time, are spread. What a helper sends back are plain tuples: a frozen class costs more
to unpickle than the form costs to parse.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from multiprocessing import get_context
from types import TracebackType
from typing import Any, Self

from ledger.bodies import damaged_body
from ledger.entry import Entry, Kind
from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.form import Form, FormMeta
from ledger.forms.form_xml import parse_for_fold
from ledger.log import Stored
from ledger.storage.compression import Codec, DecompressionError

Source = tuple[int, int, bytes, tuple[str, ...]]
"""The position of a form, the number of its dictionary, its body as stored.

Then the digests of which it must have one: that of its entry, that of an erasure.
"""
Flat = tuple[Any, ...]
Parse = Callable[[bytes], Form]

WITH_FORMS = (Kind.NORMAL, Kind.EDIT)
"""The kinds of entries whose own bytes are folded."""

_AHEAD = 8
"""How many chunks are given out before the first of them is needed."""


@dataclass(slots=True)
class Chunk:
    """Some entries in the order of the log, and what their forms are read from.

    ``forms`` holds the forms by position once they are parsed.
    """

    items: list[Stored]
    sources: list[Source]
    codecs: Mapping[int, Codec]
    forms: Mapping[int, Form] = field(default_factory=dict)

    @property
    def domain(self) -> str:
        """Return the domain of the entries."""
        return self.items[0][0].domain

    @property
    def position(self) -> int:
        """Return the position of the last entry."""
        return self.items[-1][0].position


class FormParser:
    """Parses the normal forms among entries, with as many processes as it is given."""

    def __init__(self, workers: int) -> None:
        """Use ``workers`` processes, this one among them."""
        self._pool = _pool(workers - 1) if workers > 1 else None

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def parse(self, items: Sequence[tuple[Entry, bytes | None]]) -> Mapping[int, Form]:
        """Return the form of each entry whose bytes are folded, by position."""
        return {
            entry.position: parse_for_fold(body)
            for entry, body in items
            if entry.kind in WITH_FORMS and body is not None
        }

    def parsed(self, chunks: Iterable[Chunk]) -> Iterator[Chunk]:
        """Yield the chunks with their forms, in order; helpers work ahead."""
        if self._pool is None:
            for chunk in chunks:
                parse_here(chunk)
                yield chunk
            return
        waiting: deque[_Given] = deque()
        for chunk in chunks:
            waiting.append(_give(self._pool, chunk))
            if len(waiting) >= _AHEAD:
                yield _take(waiting)
        while waiting:
            yield _take(waiting)


_Given = tuple[Chunk, "Future[list[tuple[int, Flat]]]"]


def _pool(helpers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(helpers, mp_context=get_context("forkserver"))


def _give(pool: ProcessPoolExecutor, chunk: Chunk) -> _Given:
    contents = {number: codec.content for number, codec in chunk.codecs.items()}
    parsing = pool.submit(_parse_there, chunk.domain, contents, chunk.sources)
    return chunk, parsing


def _take(waiting: deque[_Given]) -> Chunk:
    """Return the first chunk; do what no helper has begun while it is not ready."""
    _, first = waiting[0]
    for chunk, future in reversed(waiting):
        if first.done():
            break
        if future.cancel():
            parse_here(chunk)
    chunk, future = waiting.popleft()
    if not future.cancelled():
        chunk.forms = {place: from_flat(flat) for place, flat in future.result()}
    return chunk


def parse_here(chunk: Chunk, parse: Parse = parse_for_fold) -> None:
    """Read the forms of a chunk; raises ``Damaged`` for bytes that nothing names."""
    chunk.forms = dict(_forms(chunk.domain, chunk.codecs, chunk.sources, parse))


def _parse_there(
    domain: str, contents: Mapping[int, bytes | None], sources: Sequence[Source]
) -> list[tuple[int, Flat]]:
    """Parse a chunk in a helper, which has no connection to any database."""
    codecs = {number: _codec(number, content) for number, content in contents.items()}
    forms = _forms(domain, codecs, sources, parse_for_fold)
    return [(position, to_flat(form)) for position, form in forms]


def _forms(
    domain: str,
    codecs: Mapping[int, Codec],
    sources: Sequence[Source],
    parse: Parse,
) -> Iterator[tuple[int, Form]]:
    """Yield forms by position; raises ``Damaged`` for bytes that nothing names."""
    for position, number, stored, named in sources:
        try:
            body = codecs[number].decompress(stored)
        except DecompressionError as error:
            raise damaged_body(domain, position) from error
        if sha256(body).hexdigest() not in named:
            raise damaged_body(domain, position)
        yield position, parse(body)


_codec = lru_cache(maxsize=8)(Codec)


def to_flat(form: Form) -> Flat:
    """Return what the fold asks of a form, in plain tuples."""
    return (
        form.form_id,
        form.xmlns,
        form.meta.user_id,
        form.ledger_case_ids,
        [_flat_block(block) for block in form.blocks],
    )


def _flat_block(block: CaseBlock) -> Flat:
    return (
        block.case_id,
        block.user_id,
        block.date_modified,
        block.create,
        block.update,
        [(i.name, i.case_id, i.case_type, i.relationship) for i in block.indices],
        block.close,
        [(a.name, a.src, a.origin) for a in block.attachments],
    )


def from_flat(flat: Flat) -> Form:
    """Return the form that ``to_flat`` made flat, as far as a fold is concerned."""
    form_id, xmlns, user_id, ledger_case_ids, blocks = flat
    return Form(
        form_id=form_id,
        xmlns=xmlns,
        meta=FormMeta(user_id=user_id),
        blocks=tuple([_block(*block) for block in blocks]),
        ledger_case_ids=ledger_case_ids,
    )


def _block(  # noqa: PLR0917 - the fields of a block in their order
    case_id: str,
    user_id: str | None,
    date_modified: str | None,
    create: dict[str, str] | None,
    update: dict[str, str] | None,
    indices: list[tuple[str, str, str, str]],
    close: bool,  # noqa: FBT001
    attachments: list[tuple[str, str, str]],
) -> CaseBlock:
    return CaseBlock(
        case_id=case_id,
        user_id=user_id,
        date_modified=date_modified,
        create=create,
        update=update,
        indices=tuple([_index(*index) for index in indices]),
        close=close,
        attachments=tuple(
            [AttachmentUpdate(name=n, src=s, origin=o) for n, s, o in attachments]
        ),
    )


def _index(name: str, case_id: str, case_type: str, relationship: str) -> IndexUpdate:
    return IndexUpdate(
        name=name, case_id=case_id, case_type=case_type, relationship=relationship
    )
