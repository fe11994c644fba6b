"""The formats that cases and forms are exported in. Pure."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The formats of a file."""

    CSV = "csv"
    XLSX = "xlsx"
    JSONL = "jsonl"
