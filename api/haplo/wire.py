"""Control files, batches, records and keys as the admin pages tell them.

``rules/batch-imports.md`` 1.9.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.directory.values import ApiKey
from ledger.imports.values import Batch, BatchFile, ControlFile, ImportRow, Outcome
from ledger.times import format_micros


def control_wire(control: ControlFile) -> dict[str, Any]:
    """Return a control file without its content."""
    return {
        "digest": control.digest,
        "fileSize": control.size,
        "comment": control.comment,
        "created": format_micros(control.created_on),
    }


def batch_line(batch: Batch) -> dict[str, Any]:
    """Return a batch as a list tells it."""
    return {
        "identifier": batch.identifier,
        "state": batch.state.value,
        "errors": batch.errors,
        "comment": batch.comment,
        "created": format_micros(batch.created_on),
    }


def batch_wire(
    batch: Batch,
    *,
    files: Sequence[BatchFile],
    log: str | None,
    outcomes: Mapping[Outcome, int],
    cases: int,
) -> dict[str, Any]:
    """Return a batch with all that is known of it."""
    return {
        **batch_line(batch),
        "control": {"digest": batch.control_digest, "comment": batch.control_comment},
        "files": [_file(file) for file in files],
        "log": log,
        "records": {
            "total": sum(outcomes.values()),
            **{outcome.value: count for outcome, count in outcomes.items()},
        },
        "cases": cases,
    }


def record_wire(row: ImportRow) -> dict[str, Any]:
    """Return what became of a record."""
    return {
        "record": row.record,
        "file": row.file,
        "outcome": row.outcome.value,
        "form_id": row.form_id,
        "case_ids": list(row.case_ids),
        "xform_error_id": row.error_id,
        "messages": list(row.messages),
    }


def key_wire(key: ApiKey) -> dict[str, Any]:
    """Return a key without anything of the key itself."""
    return {
        "id": key.key_id,
        "name": key.name,
        "scope": key.scope,
        "created": format_micros(key.created_on),
    }


def _file(file: BatchFile) -> dict[str, Any]:
    return {
        "name": file.name,
        "digest": file.digest,
        "fileSize": file.size,
        "filename": file.file_name,
    }
