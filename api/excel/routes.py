"""The rows of the Excel import in the table of routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.excel import handlers as excel
from api.excel import history as excel_history
from api.excel.dialect import EXCEL
from api.excel.openapi import (
    ERROR_ROWS,
    ERRORS_QUERY,
    EXCEL_PROBLEM,
    FILE,
    LIST_QUERY,
    NEW_COMMENT,
    NEW_UPLOAD,
    NOTHING,
    UPLOAD_STATUS,
    UPLOAD_TAKEN,
    UPLOADS,
)
from api.openapi.shapes import PLAIN_TEXT, as_json
from api.openapi.shared import IDEMPOTENCY_KEY
from api.wire.permissions import Permission
from api.wire.route import Route

_UPLOADS = "/a/{domain}/importer/history/uploads"
_UPLOAD = f"{_UPLOADS}/{{upload_id}}"


def _route(
    method: str,
    path: str,
    handler: Callable[..., Any],
    summary: str,
    *,
    permission: Permission = Permission.EDIT_DATA,
    **more: Any,
) -> Route:
    return Route(
        method=method,
        path=path,
        handler=handler,
        permission=permission,
        dialect=EXCEL,
        summary=summary,
        tag="Excel import",
        problem=as_json(EXCEL_PROBLEM),
        **more,
    )


ROUTES: tuple[Route, ...] = (
    _route(
        "POST",
        "/a/{domain}/importer/excel/bulk_upload_api",
        excel.upload,
        "Import cases from a spreadsheet",
        answers=(200, 400, 409, 413, 500),
        parameters=(IDEMPOTENCY_KEY,),
        body=NEW_UPLOAD,
        result=as_json(UPLOAD_TAKEN),
        takes_files=True,
    ),
    _route(
        "GET",
        f"{_UPLOAD}/status",
        excel_history.upload_status,
        "Show how an import stands",
        answers=(200, 404),
        result=as_json(UPLOAD_STATUS),
    ),
    _route(
        "GET",
        _UPLOADS,
        excel_history.list_uploads,
        "List imports, the newest first",
        parameters=LIST_QUERY,
        result=as_json(UPLOADS),
    ),
    _route(
        "GET",
        _UPLOAD,
        excel_history.upload_file,
        "Download the file of an import",
        answers=(200, 403, 404),
        result=FILE,
    ),
    _route(
        "GET",
        f"{_UPLOAD}/form_ids.txt",
        excel_history.upload_form_ids,
        "List the forms that an import submitted",
        answers=(200, 404),
        result=PLAIN_TEXT,
    ),
    _route(
        "GET",
        f"{_UPLOAD}/case_ids.txt",
        excel_history.upload_case_ids,
        "List the cases of these forms, one for each block",
        answers=(200, 404),
        result=PLAIN_TEXT,
    ),
    _route(
        "GET",
        f"{_UPLOAD}/failed_rows.xlsx",
        excel_history.upload_failed_rows,
        "Download the rows that failed, with the reasons",
        answers=(200, 403, 404),
        result=FILE,
    ),
    _route(
        "GET",
        f"{_UPLOAD}/errors.csv",
        excel_history.upload_errors,
        "List the rows that failed",
        parameters=ERRORS_QUERY,
        answers=(200, 403, 404),
        result=ERROR_ROWS,
    ),
    _route(
        "POST",
        f"{_UPLOAD}/comment",
        excel_history.upload_comment,
        "Change the comment of an import",
        answers=(200, 400, 403, 404, 413),
        body=NEW_COMMENT,
        result=as_json(NOTHING),
    ),
    _route(
        "POST",
        f"{_UPLOAD}/cancel",
        excel_history.upload_cancel,
        "Stop an import after its running chunk",
        answers=(200, 404, 409),
        result=as_json(NOTHING),
    ),
    _route(
        "POST",
        f"{_UPLOAD}/forget",
        excel_history.upload_forget,
        "Drop the file of an import",
        permission=Permission.MANAGE,
        answers=(200, 404, 409),
        result=as_json(NOTHING),
    ),
)
