"""What teaches the driver of PostgreSQL to send columns (``arrays.py``)."""

from __future__ import annotations

from typing import Any

from psycopg.adapt import Dumper
from psycopg.pq import Format

from ledger.storage.arrays import (
    Blobs,
    Numbers,
    Texts,
    array_of_blobs,
    array_of_numbers,
    array_of_texts,
)

_TEXTS, _BIGINTS, _BYTEAS = 1009, 1016, 1001


class _TextsDumper(Dumper):
    format = Format.BINARY
    oid = _TEXTS

    def dump(self, obj: Texts) -> bytes:
        return array_of_texts(obj.values)


class _BlobsDumper(Dumper):
    format = Format.BINARY
    oid = _BYTEAS

    def dump(self, obj: Blobs) -> bytes:
        return array_of_blobs(obj.values)


class _NumbersDumper(Dumper):
    format = Format.BINARY
    oid = _BIGINTS

    def dump(self, obj: Numbers) -> bytes:
        return array_of_numbers(obj.values)


def register(raw: Any) -> None:
    """Teach a driver's connection to send columns."""
    for column, dumper in (
        (Texts, _TextsDumper),
        (Numbers, _NumbersDumper),
        (Blobs, _BlobsDumper),
    ):
        raw.adapters.register_dumper(column, dumper)
