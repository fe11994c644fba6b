"""A form as HQ's APIs show it (``rules/hq-forms.md`` 1). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from ledger.entry import Entry
from ledger.errors import Malformed
from ledger.forms.lineage import ARCHIVED, DEPRECATED, NORMAL
from ledger.times import format_micros
from projections.rule.form_json import FormTexts, StoredForm, form_texts

FORM_XML: Final = "form.xml"
"""The name under which the bytes of a form are one of its files."""
XML_TYPE: Final = "text/xml"

KEYS: Final = (
    *("id", "domain", "form", "metadata", "type", "version", "uiversion"),
    *("received_on", "server_modified_on", "indexed_on", "edited_on"),
    *("edited_by_user_id", "app_id", "build_id", "submit_ip"),
    *("initial_processing_complete", "problem", "archived", "is_phone_submission"),
    *("attachments", "resource_uri"),
)
"""The keys of a form, all of which are always there."""

_PROCESSED = frozenset((NORMAL, ARCHIVED, DEPRECATED))
_OPENROSA = "X-OpenRosa-Version"


def form_object(stored: StoredForm, *, base: str) -> dict[str, Any]:
    """Return a form; ``base`` is how the client reaches the server."""
    version, edit, texts = stored.version, stored.edit, _texts(stored.body)
    details = version.details
    decided_on = format_micros(stored.decided_on)
    processed = stored.state in _PROCESSED
    metadata = texts.metadata
    return {
        "id": stored.form_id,
        "domain": version.domain,
        "form": texts.form or {},
        "metadata": metadata and {**metadata, "doc_type": "Metadata"},
        "type": texts.root("#type"),
        "version": texts.root("@version"),
        "uiversion": texts.root("@uiVersion"),
        "received_on": format_micros(version.received_on),
        "server_modified_on": decided_on,
        "indexed_on": decided_on,
        "edited_on": None if edit is None else format_micros(edit.appended_on),
        "edited_by_user_id": None if edit is None else edit.user_id or None,
        "app_id": details.get("app_id"),
        "build_id": None,
        "submit_ip": details.get("submit_ip"),
        "initial_processing_complete": processed,
        "problem": None if processed else version.problem,
        "archived": stored.state == ARCHIVED,
        "is_phone_submission": _OPENROSA in details.get("openrosa_headers", ()),
        "attachments": dict(_files(stored.form_id, version, base=base)),
        "resource_uri": "",
    }


def _texts(body: bytes | None) -> FormTexts:
    """Return what the bytes say: nothing, if they are kept because of a defect."""
    try:
        return form_texts(body)
    except Malformed:
        return form_texts(None)


def _files(
    form_id: str, version: Entry, *, base: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the files of a form by name; one that came along wins over its bytes."""
    domain = f"{base}/a/{quote(version.domain)}/api"
    place = f"{domain}/form/attachment/{quote(form_id, safe='')}"
    if version.body_sha256 is not None:
        yield FORM_XML, _file(f"{place}/{FORM_XML}", XML_TYPE, version.body_length)
    for file in version.attachments:
        url = f"{place}/{quote(file.name, safe='')}"
        yield file.name, _file(url, file.content_type, file.length)


def _file(url: str, content_type: str, length: int) -> dict[str, Any]:
    return {"content_type": content_type, "length": length, "url": url}
