"""Rows of the bare tables: from parsed forms, and from the data set for reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import orjson

from bench import dataset
from bench.bare.forms import Block, Form


class CaseRow(NamedTuple):
    """One row of ``cases``; None where a change says nothing."""

    case_id: str
    case_type: str | None
    case_name: str | None
    external_id: str | None
    owner_id: str | None
    opened: str | None
    modified: str
    closed: int
    seq: int
    props: str
    form: str


IndexRow = tuple[str, str, str, str, str]


def case_row(block: Block, *, seq: int, form: str) -> CaseRow:
    """Return the row that a block upserts."""
    create = block.create or {}
    return CaseRow(
        block.case_id,
        create.get("case_type"),
        create.get("case_name"),
        create.get("external_id"),
        create.get("owner_id"),
        block.date if block.create else None,
        block.date,
        int(block.close),
        seq,
        orjson.dumps(block.update).decode(),
        form,
    )


def index_rows(forms: Iterable[Form]) -> list[IndexRow]:
    """Return the rows of ``indices`` that forms make."""
    return [
        (block.case_id, *reference)
        for form in forms
        for block in form.blocks
        for reference in block.index
    ]


def documents(forms: Iterable[Form], *, first: int) -> Iterator[bytes]:
    """Return what a bulk request answers, one finished document per block."""
    for seq, block in enumerate(
        (block for form in forms for block in form.blocks), start=first
    ):
        yield orjson.dumps(case_row(block, seq=seq, form="")._asdict())


def dataset_rows(
    size: int, *, domain: str
) -> Iterator[tuple[CaseRow, IndexRow | None, str]]:
    """Return D(``size``) as rows: case, index, finished document of the wire."""
    for i in range(size):
        document = dataset.document(i, size, domain=domain)
        yield _dataset_case(i, size), _dataset_index(i), orjson.dumps(document).decode()


def _dataset_case(i: int, size: int) -> CaseRow:
    moment = dataset.instant(i)
    return CaseRow(
        dataset.case_id(i),
        dataset.case_type(i),
        dataset.case_name(i),
        dataset.external_id(i),
        dataset.owner_id(i),
        moment,
        moment,
        int(dataset.is_closed(i)),
        i + 1,
        orjson.dumps(dataset.properties(i, size)).decode(),
        dataset.form_id(i),
    )


def _dataset_index(i: int) -> IndexRow | None:
    household = dataset.parent(i)
    if household is None:
        return None
    target = dataset.case_id(household)
    return (dataset.case_id(i), "parent", target, "household", "child")


class Fold:
    """The states of all cases while a replay reads the log."""

    def __init__(self) -> None:
        self._cases: dict[str, dict[str, Any]] = {}
        self._indices: list[IndexRow] = []
        self._seq = 0

    def add(self, form: Form) -> None:
        """Apply the blocks of one more form."""
        for block in form.blocks:
            self._seq += 1
            case = self._cases.get(block.case_id)
            if case is None:
                case = self._cases[block.case_id] = {"opened": block.date, "props": {}}
            if block.create:
                case.update(block.create)
            case["props"].update(block.update)
            case["modified"], case["seq"] = block.date, self._seq
            case["form"] = form.form_id
            case["closed"] = case.get("closed", 0) or int(block.close)
            self._indices.extend((block.case_id, *index) for index in block.index)

    def cases(self) -> Iterator[CaseRow]:
        """Return the rows of ``cases``."""
        for case_id, case in self._cases.items():
            yield CaseRow(
                case_id,
                case.get("case_type"),
                case.get("case_name"),
                case.get("external_id"),
                case.get("owner_id"),
                case["opened"],
                case["modified"],
                case["closed"],
                case["seq"],
                orjson.dumps(case["props"]).decode(),
                case["form"],
            )

    def indices(self) -> list[IndexRow]:
        """Return the rows of ``indices``."""
        return self._indices


Row = TypeVar("Row")


def batched(items: Iterable[Row], length: int) -> Iterator[list[Row]]:
    """Cut an iterable into lists of at most ``length``."""
    iterator = iter(items)
    while batch := list(islice(iterator, length)):
        yield batch
