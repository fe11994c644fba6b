"""Uploads to the Excel import, as a client sends them."""

from __future__ import annotations

from io import BytesIO

import aiohttp

from api.http.keys import WORKER
from tests.http.conftest import DOMAIN
from tests.kit.spreadsheets import a_csv

UPLOAD = f"/a/{DOMAIN}/importer/excel/bulk_upload_api/"
HISTORY = f"/a/{DOMAIN}/importer/history/uploads/"
GOOD = a_csv(["case_id", "name", "age"], ["", "Ada", 36], ["", "Bo", 7])


async def sent(api, content=GOOD, *, name="cases.csv", headers=None, **fields):
    """Upload a file with these fields; a field of ``None`` is left out."""
    form = aiohttp.FormData(quote_fields=False)
    if content is not None:
        form.add_field("file", BytesIO(content), filename=name)
    fields = {"case_type": "patient", "create_new_cases": "on"} | fields
    for field, value in fields.items():
        if value is not None:
            form.add_field(field, value)
    if content is None:
        form.add_field("file", "just text")
    return await api.post(UPLOAD, data=form, headers=headers)


async def ended(api, answer):
    """Wait for the import of an answer; return the path of it and its status."""
    assert answer.status == 200, answer.body
    assert set(answer.json) == {"code", "message", "status_url"}
    path = answer.json["status_url"].removeprefix(api.base)
    upload_id = path.removeprefix(HISTORY).partition("/")[0]
    await api.app[WORKER].see_through((DOMAIN, upload_id))
    return f"{HISTORY}{upload_id}/", (await api.get(path)).json
