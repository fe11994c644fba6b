"""Every kind of job and the handler that does it."""

from __future__ import annotations

from importers.excel.job import import_excel
from importers.haplo.job import run_batch
from importers.jobs.repack import REPACK, repack
from importers.jobs.reprocess import REPROCESS, reprocess
from importers.jobs.turns import EXCEL, HAPLO, SUNBIRD
from importers.jobs.undo import UNDO, undo
from importers.jobs.worker import Handler
from importers.sunbird.job import run_upload

HANDLERS: dict[str, Handler] = {
    UNDO: undo,
    REPROCESS: reprocess,
    REPACK: repack,
    EXCEL: import_excel,
    HAPLO: run_batch,
    SUNBIRD: run_upload,
}
