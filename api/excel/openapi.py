"""The shapes of the Excel import in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import (
    BINARY,
    FLAG,
    NUMBER,
    NUMBER_OR_NULL,
    TEXT,
    TEXT_OR_NULL,
    TEXTS,
    TIME,
    Object,
    closed,
    content,
    list_of,
    parameter,
    query,
    schema,
)
from importers.excel.rules.options import LONGEST_COMMENT
from importers.tables.unreadable import DEFAULT_LIMITS

_LIMITS = (
    f"At most {DEFAULT_LIMITS.rows} rows, {DEFAULT_LIMITS.columns} headers and "
    f"{DEFAULT_LIMITS.file_size} bytes, unless the operator allows others."
)
_ROWS: Object = {"type": "array", "items": NUMBER}
_WARNING: Object = {
    "title": TEXT,
    "description": TEXT,
    "column": TEXT,
    "rows": _ROWS,
    "sample": TEXT_OR_NULL,
}
_ERROR: Object = {
    **_WARNING,
    "count": NUMBER,
    "row_ranges": TEXT,
    "sheet": TEXT,
    "candidates": TEXTS,
}
_RESULT = closed(
    {
        "created_count": NUMBER,
        "match_count": NUMBER,
        "num_chunks": NUMBER,
        "errors": list_of(closed(_ERROR)),
        "case_count": NUMBER,
        "row_count": NUMBER,
        "failed_count": NUMBER,
        "skipped_count": closed({"blank": NUMBER, "unmatched": NUMBER}),
        "dry_run": FLAG,
        "form_ids": TEXTS,
        "error_form_ids": TEXTS,
        "warnings": list_of(closed(_WARNING)),
    }
)

UPLOAD_STATUS = schema(
    "ExcelStatus",
    closed(
        {
            "state": {"enum": [0, 1, 2, 3]},
            "progress": closed({"percent": NUMBER_OR_NULL}),
            "result": {"oneOf": [_RESULT, {"type": "null"}]},
        }
    ),
)
_UPLOAD = schema(
    "ExcelUpload",
    closed(
        {
            "domain": TEXT,
            "created": TEXT,
            "created_on": TIME,
            "upload_id": TEXT,
            "task_status": UPLOAD_STATUS,
            "user_name": TEXT,
            "case_type": TEXT,
            "comment": TEXT_OR_NULL,
            "upload_file_name": TEXT_OR_NULL,
            "upload_file_length": NUMBER_OR_NULL,
            "upload_file_download_allowed": FLAG,
            "upload_comment_edit_allowed": FLAG,
        }
    ),
)
UPLOADS = list_of(_UPLOAD)
FILE = content("application/octet-stream", BINARY)
ERROR_ROWS = content("text/csv", TEXT)

NEW_UPLOAD = content(
    "multipart/form-data",
    {
        "type": "object",
        "properties": {
            "file": {**BINARY, "description": _LIMITS},
            "case_type": TEXT,
            "search_field": {"enum": ["case_id", "external_id"]},
            "search_column": TEXT,
            "create_new_cases": TEXT,
            "name_column": TEXT,
            "comment": {"type": "string", "maxLength": LONGEST_COMMENT},
            "dry_run": TEXT,
        },
        "required": ["file", "case_type"],
    },
)
UPLOAD_TAKEN = closed({"code": NUMBER, "message": TEXT, "status_url": TEXT})
_COMMENT: Object = {
    "type": "object",
    "properties": {"comment": {"type": "string", "maxLength": LONGEST_COMMENT}},
    "required": ["comment"],
}
NEW_COMMENT = content("application/x-www-form-urlencoded", _COMMENT) | content(
    "multipart/form-data", _COMMENT
)
NOTHING = closed({})

EXCEL_PROBLEM: Object = {
    "type": "object",
    "properties": {"code": NUMBER, "message": TEXT},
    "required": ["code", "message"],
}

ERRORS_QUERY = (
    parameter(
        "excel_bom",
        query("bom", "`true` begins the file with a byte order mark, for Excel."),
    ),
)
LIST_QUERY = (
    parameter(
        "excel_limit", query("limit", "Imports on a page, 10 where nothing is said.")
    ),
    parameter("excel_page", query("page", "Which page, counted from 1.")),
    parameter(
        "excel_query", query("query", "Part of the file name or of the comment.")
    ),
)
