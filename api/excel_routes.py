"""The rows of the Excel import in the table of routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api import excel
from api.permissions import Permission
from api.route import Route, json_route

EXCEL = "Excel import"
_UPLOADS = "/a/{domain}/importer/history/uploads"
_UPLOAD = f"{_UPLOADS}/{{upload_id}}"


def _route(
    method: str, path: str, handler: Callable[..., Any], summary: str, **more: Any
) -> Route:
    return json_route(
        method,
        path,
        handler,
        summary,
        permission=Permission.EDIT_DATA,
        tag=EXCEL,
        **more,
    )


EXCEL_ROUTES: tuple[Route, ...] = (
    _route(
        "POST",
        "/a/{domain}/importer/excel/bulk_upload_api",
        excel.upload,
        "Import cases from a spreadsheet",
        answers=(200, 400, 413, 500),
        body="excel_upload",
        result="excel_upload",
    ),
    _route(
        "GET",
        f"{_UPLOAD}/status",
        excel.upload_status,
        "Show how an import stands",
        answers=(200, 404),
        result="excel_status",
    ),
    _route(
        "GET",
        _UPLOADS,
        excel.list_uploads,
        "List imports, the newest first",
        parameters=("excel_limit", "excel_page", "excel_query"),
        result="excel_uploads",
    ),
    _route(
        "GET",
        _UPLOAD,
        excel.upload_file,
        "Download the file of an import",
        answers=(200, 403, 404),
        result="excel_file",
    ),
    _route(
        "GET",
        f"{_UPLOAD}/form_ids.txt",
        excel.upload_form_ids,
        "List the forms that an import submitted",
        answers=(200, 404),
        result="excel_ids",
    ),
    _route(
        "GET",
        f"{_UPLOAD}/case_ids.txt",
        excel.upload_case_ids,
        "List the cases of these forms, one for each block",
        answers=(200, 404),
        result="excel_ids",
    ),
    _route(
        "GET",
        f"{_UPLOAD}/failed_rows.xlsx",
        excel.upload_failed_rows,
        "Download the rows that failed, with the reasons",
        answers=(200, 403, 404),
        result="excel_file",
    ),
    _route(
        "POST",
        f"{_UPLOAD}/comment",
        excel.upload_comment,
        "Change the comment of an import",
        answers=(200, 400, 403, 404, 413),
        body="excel_comment",
        result="excel_nothing",
    ),
    _route(
        "POST",
        f"{_UPLOAD}/cancel",
        excel.upload_cancel,
        "Stop an import after its running chunk",
        answers=(200, 404, 409),
        result="excel_nothing",
    ),
)
