"""The rows of the batch import API in the table of routes, and of its admin pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.haplo import admin as haplo_admin
from api.haplo import batch_keys as haplo_keys
from api.haplo import handlers as haplo
from api.haplo.dialect import HAPLO
from api.haplo.openapi import (
    ASKED_OF_BATCH,
    ASKED_OF_CONTROL_FILE,
    BATCH,
    BATCHES,
    CONTROL_FILE,
    CONTROL_FILES,
    DELETED,
    KEPT_CONTROL_FILE,
    KEY,
    KEYS,
    NEW_BATCH,
    NEW_CONTROL_FILE,
    NEW_FILE,
    NEW_FILES,
    NEW_KEY,
    PAGE_PROBLEM,
    RECORDS,
    START,
    page_of,
)
from api.haplo.pages import BELOW
from api.openapi.shapes import PLAIN_TEXT
from api.openapi.shared import PAGED
from api.wire.permissions import Permission
from api.wire.route import Content, Route, json_route

_TAG = "Haplo batch import"

_API = "/a/{domain}/api/haplo-data-import-batch"
_ADMIN = f"/a/{{domain}}{BELOW}"
_BATCH = f"{_ADMIN}/batch/{{identifier}}"
_NEW_BATCH = f"{_ADMIN}/new-batch/for-control/{{digest}}"
_KEY = f"{_ADMIN}/api-keys/{{key_id}}"


def _post(
    place: str, handler: Callable[..., Any], summary: str, *, body: Content
) -> Route:
    return Route(
        method="POST",
        path=f"{_API}/{place}",
        handler=handler,
        permission=Permission.EDIT_DATA,
        dialect=HAPLO,
        summary=summary,
        tag=_TAG,
        answers=(200, 400, 404, 413),
        body=body,
        result=PLAIN_TEXT,
        operation=f"haplo_{handler.__name__}",
        identify=haplo.identify,
    )


def _page(
    method: str, path: str, handler: Callable[..., Any], summary: str, **more: Any
) -> Route:
    return json_route(
        method,
        path,
        handler,
        summary,
        problem=PAGE_PROBLEM,
        **{"permission": Permission.EDIT_DATA, "tag": _TAG, **more},
    )


ROUTES: tuple[Route, ...] = (
    _post(
        "control", haplo.receive_control, "Upload a control file", body=NEW_CONTROL_FILE
    ),
    _post("batch", haplo.create_batch, "Create a batch", body=NEW_BATCH),
    _post("file", haplo.receive_file, "Add a file to a batch", body=NEW_FILE),
    _post("schedule", haplo.schedule_batch, "Start the import of a batch", body=START),
    _page(
        "GET",
        f"{_ADMIN}/control-files",
        haplo_admin.list_control_files,
        "List control files, the newest first",
        answers=(200, 400),
        parameters=PAGED,
        result=page_of(CONTROL_FILES),
    ),
    _page(
        "GET",
        f"{_ADMIN}/control-file/{{digest}}",
        haplo_admin.show_control_file,
        "Show a control file",
        answers=(200, 404),
        result=page_of(CONTROL_FILE),
    ),
    _page(
        "GET",
        f"{_ADMIN}/new-control-file",
        haplo_admin.show_new_control_file,
        "Show what is asked of a new control file",
        result=page_of(ASKED_OF_CONTROL_FILE),
    ),
    _page(
        "POST",
        f"{_ADMIN}/new-control-file",
        haplo_admin.add_control_file,
        "Keep a control file",
        answers=(200, 303, 400, 413),
        body=NEW_CONTROL_FILE,
        result=page_of(KEPT_CONTROL_FILE),
    ),
    _page(
        "GET",
        _NEW_BATCH,
        haplo_admin.show_new_batch,
        "Show what is asked of a new batch",
        answers=(200, 404),
        result=page_of(ASKED_OF_BATCH),
    ),
    _page(
        "POST",
        _NEW_BATCH,
        haplo_admin.add_batch,
        "Create a batch with all its files",
        answers=(200, 303, 400, 404, 413),
        body=NEW_FILES,
        result=page_of(BATCH),
    ),
    _page(
        "GET",
        f"{_ADMIN}/batches",
        haplo_admin.list_batches,
        "List batches, the newest first",
        answers=(200, 400),
        parameters=PAGED,
        result=page_of(BATCHES),
    ),
    _page(
        "GET",
        _BATCH,
        haplo_admin.show_batch,
        "Show a batch and the log of its run",
        answers=(200, 404),
        result=page_of(BATCH),
    ),
    _page(
        "GET",
        f"{_BATCH}/records",
        haplo_admin.list_records,
        "List what became of the records of a batch",
        answers=(200, 400, 404),
        parameters=PAGED,
        result=page_of(RECORDS),
    ),
    _page(
        "POST",
        f"{_ADMIN}/schedule-batch/dry-run/{{identifier}}",
        haplo_admin.dry_run_batch,
        "Start a dry run of a batch that is ready",
        answers=(200, 303, 400, 404),
        result=page_of(BATCH),
    ),
    _page(
        "POST",
        f"{_ADMIN}/schedule-batch/import/{{identifier}}",
        haplo_admin.import_batch,
        "Start the import of a batch that is ready",
        answers=(200, 303, 400, 404),
        result=page_of(BATCH),
    ),
    _page(
        "POST",
        f"{_ADMIN}/copy-batch/{{identifier}}",
        haplo_admin.copy_batch,
        "Create a batch of the same files",
        answers=(200, 303, 404),
        result=page_of(BATCH),
    ),
    _page(
        "POST",
        f"{_ADMIN}/create-api-key",
        haplo_keys.create_api_key,
        "Make a key that opens the batch import alone",
        permission=Permission.MANAGE,
        answers=(200, 400),
        result=page_of(NEW_KEY),
    ),
    _page(
        "GET",
        f"{_ADMIN}/api-keys",
        haplo_keys.list_api_keys,
        "List these keys",
        result=page_of(KEYS),
    ),
    _page(
        "GET",
        _KEY,
        haplo_keys.show_api_key,
        "Show such a key",
        answers=(200, 404),
        result=page_of(KEY),
    ),
    _page(
        "DELETE",
        _KEY,
        haplo_keys.delete_api_key,
        "Make such a key worthless",
        permission=Permission.MANAGE,
        answers=(200, 404),
        result=page_of(DELETED),
    ),
    _page(
        "POST",
        _KEY,
        haplo_keys.post_deleted_api_key,
        "Make such a key worthless, as a page asks for it",
        permission=Permission.MANAGE,
        answers=(200, 303, 404),
        result=page_of(DELETED),
    ),
)
