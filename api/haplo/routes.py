"""The rows of the batch import API in the table of routes, and of its admin pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from api.haplo import admin as haplo_admin
from api.haplo import batch_keys as haplo_keys
from api.haplo import handlers as haplo
from api.haplo.dialect import HAPLO
from api.haplo.pages import BELOW
from api.wire.permissions import Permission
from api.wire.route import Route, json_route

HAPLO_TAG = "Haplo batch import"

_API = "/a/{domain}/api/haplo-data-import-batch"
_ADMIN = f"/a/{{domain}}{BELOW}"
_BATCH = f"{_ADMIN}/batch/{{identifier}}"
_NEW_BATCH = f"{_ADMIN}/new-batch/for-control/{{digest}}"
_KEY = f"{_ADMIN}/api-keys/{{key_id}}"
_PAGED = ("list_limit", "list_cursor")


def _post(place: str, handler: Callable[..., Any], summary: str) -> Route:
    return Route(
        method="POST",
        path=f"{_API}/{place}",
        handler=handler,
        permission=Permission.EDIT_DATA,
        dialect=HAPLO,
        summary=summary,
        tag=HAPLO_TAG,
        answers=(200, 400, 404, 413),
        body=f"haplo_{place}",
        result="text",
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
        **{"permission": Permission.EDIT_DATA, "tag": HAPLO_TAG, **more},
    )


ROUTES: tuple[Route, ...] = (
    _post("control", haplo.receive_control, "Upload a control file"),
    _post("batch", haplo.create_batch, "Create a batch"),
    _post("file", haplo.receive_file, "Add a file to a batch"),
    _post("schedule", haplo.schedule_batch, "Start the import of a batch"),
    _page(
        "GET",
        f"{_ADMIN}/control-files",
        haplo_admin.list_control_files,
        "List control files, the newest first",
        answers=(200, 400),
        parameters=_PAGED,
        result="haplo_control_files",
    ),
    _page(
        "GET",
        f"{_ADMIN}/control-file/{{digest}}",
        haplo_admin.show_control_file,
        "Show a control file",
        answers=(200, 404),
        result="haplo_control_file",
    ),
    _page(
        "GET",
        f"{_ADMIN}/new-control-file",
        haplo_admin.show_new_control_file,
        "Show what is asked of a new control file",
        result="haplo_new_control_file",
    ),
    _page(
        "POST",
        f"{_ADMIN}/new-control-file",
        haplo_admin.add_control_file,
        "Keep a control file",
        answers=(200, 303, 400, 413),
        body="haplo_control",
        result="haplo_kept_control_file",
    ),
    _page(
        "GET",
        _NEW_BATCH,
        haplo_admin.show_new_batch,
        "Show what is asked of a new batch",
        answers=(200, 404),
        result="haplo_new_batch",
    ),
    _page(
        "POST",
        _NEW_BATCH,
        haplo_admin.add_batch,
        "Create a batch with all its files",
        answers=(200, 303, 400, 404, 413),
        body="haplo_files",
        result="haplo_batch",
    ),
    _page(
        "GET",
        f"{_ADMIN}/batches",
        haplo_admin.list_batches,
        "List batches, the newest first",
        answers=(200, 400),
        parameters=_PAGED,
        result="haplo_batches",
    ),
    _page(
        "GET",
        _BATCH,
        haplo_admin.show_batch,
        "Show a batch and the log of its run",
        answers=(200, 404),
        result="haplo_batch",
    ),
    _page(
        "GET",
        f"{_BATCH}/records",
        haplo_admin.list_records,
        "List what became of the records of a batch",
        answers=(200, 400, 404),
        parameters=_PAGED,
        result="haplo_records",
    ),
    _page(
        "POST",
        f"{_ADMIN}/schedule-batch/dry-run/{{identifier}}",
        haplo_admin.dry_run_batch,
        "Start a dry run of a batch that is ready",
        answers=(200, 303, 400, 404),
        result="haplo_batch",
    ),
    _page(
        "POST",
        f"{_ADMIN}/schedule-batch/import/{{identifier}}",
        haplo_admin.import_batch,
        "Start the import of a batch that is ready",
        answers=(200, 303, 400, 404),
        result="haplo_batch",
    ),
    _page(
        "POST",
        f"{_ADMIN}/copy-batch/{{identifier}}",
        haplo_admin.copy_batch,
        "Create a batch of the same files",
        answers=(200, 303, 404),
        result="haplo_batch",
    ),
    _page(
        "POST",
        f"{_ADMIN}/create-api-key",
        haplo_keys.create_api_key,
        "Make a key that opens the batch import alone",
        permission=Permission.MANAGE,
        answers=(200, 400),
        result="haplo_new_key",
    ),
    _page(
        "GET",
        f"{_ADMIN}/api-keys",
        haplo_keys.list_api_keys,
        "List these keys",
        result="haplo_keys",
    ),
    _page(
        "GET",
        _KEY,
        haplo_keys.show_api_key,
        "Show such a key",
        answers=(200, 404),
        result="haplo_key",
    ),
    _page(
        "DELETE",
        _KEY,
        haplo_keys.delete_api_key,
        "Make such a key worthless",
        permission=Permission.MANAGE,
        answers=(200, 404),
        result="haplo_deleted",
    ),
    _page(
        "POST",
        _KEY,
        haplo_keys.post_deleted_api_key,
        "Make such a key worthless, as a page asks for it",
        permission=Permission.MANAGE,
        answers=(200, 303, 404),
        result="haplo_deleted",
    ),
)
