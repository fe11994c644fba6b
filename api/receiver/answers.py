"""What a device is answered: OpenRosa documents, by outcome and version. Pure.

The rules are those of ``rules/submission.md`` 1.3 to 1.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote

from lxml import etree

from api.receiver.limits import MAX_FORM
from ledger.entry import Kind, Receipt
from ledger.forms.names import printable
from ledger.forms.xml import default_namespace, to_bytes, xml_safe

CONTENT_TYPE: Final = "text/xml"
"""The longest form in bytes; devices are told, and may split their attachments."""

STRICT: Final = "3.0"
"""The one version that can be told not to try again (rule 1.6)."""

_NS: Final = "http://openrosa.org/http/response"
_SAVED: Final = "   √   "
_SAVED_ON_THE_WEB: Final = "Form successfully saved!"
_WEB_CLIENT: Final = "WebAppsLogin"
_IGNORED: Final = "√ (this submission was ignored)"
_PRINTABLE: Final = "".join(map(chr, range(0x20, 0x7F))).replace("%", "")


class OpenRosaAnswer(NamedTuple):
    """An answer about a submission, before it is HTTP."""

    status: int
    nature: str
    text: str
    headers: Mapping[str, str]

    @property
    def body(self) -> bytes:
        """Return the document of rule 1.5.1."""
        return _document(self.nature, self.text)


def answer_receipt(
    receipt: Receipt,
    *,
    version: str | None,
    device_id: str | None = None,
    notice: str = "",
) -> OpenRosaAnswer:
    """Return what a device is told about its submission (rule 1.6).

    ``version`` is what ``X-OpenRosa-Version`` said; only ``3.0`` is strict. ``notice``
    is what its sender must know of the body, whatever became of the form.
    """
    make = _OUTCOMES.get(receipt.kind, _normal)
    answer = make(receipt, version == STRICT, device_id or "")
    if not receipt.notice and not notice:
        return answer
    text = answer.text
    for told in filter(None, (receipt.notice, printable(notice))):
        text = text if told in text else f"{text.rstrip()} {told}"
    return answer._replace(text=text)


def answer_ignored() -> OpenRosaAnswer:
    """Return the answer to a practice submission that is not kept (rule 1.3.6)."""
    return _answer(201, "submit_success", _IGNORED)


def headers(location: str) -> dict[str, str]:
    """Return the headers of every answer of the receiver (rules 1.5.2 and D-e)."""
    return {
        "Location": header_safe(location),
        "X-OpenRosa-Version": "1.0",
        # HQ's slip; some clients have learned to read it.
        "HTTP_X_OPENROSA_VERSION": "1.0",
    }


def head_headers(address: str) -> dict[str, str]:
    """Return the headers of a ``HEAD``: where a form goes and how large it may be.

    ``address`` is what was asked, percent signs and all: clients send their forms to
    the ``Location`` that they get (rule D-a).
    """
    return {
        **headers(""),
        "Location": quote(address, safe=f"{_PRINTABLE}%", errors="replace"),
        "X-OpenRosa-Accept-Content-Length": str(MAX_FORM),
    }


def header_safe(text: str) -> str:
    """Return a text that a header can carry: form ids may hold anything XML can."""
    if text.isascii() and text.isprintable() and "%" not in text:
        return text
    return quote(text, safe=_PRINTABLE, errors="replace")


@lru_cache(maxsize=32)
def _document(nature: str, text: str) -> bytes:
    """Return the document of an answer: nearly all say the same."""
    root = etree.Element(f"{{{_NS}}}OpenRosaResponse", None, default_namespace(_NS))
    message = etree.SubElement(root, f"{{{_NS}}}message", nature=nature)
    message.text = xml_safe(text)
    return to_bytes(root)


def _normal(receipt: Receipt, strict: bool, device_id: str) -> OpenRosaAnswer:  # noqa: FBT001 - a row of _OUTCOMES
    on_the_web = strict and device_id.startswith(_WEB_CLIENT)
    text = _SAVED_ON_THE_WEB if on_the_web else _SAVED
    return _answer(201, "submit_success", text, receipt.form_id)


def _duplicate(receipt: Receipt, strict: bool, device_id: str) -> OpenRosaAnswer:  # noqa: FBT001
    if strict:
        return _normal(receipt, strict, device_id)
    return _answer(201, "submit_error", receipt.problem or "", receipt.form_id)


def _error(receipt: Receipt, strict: bool, _device_id: str) -> OpenRosaAnswer:  # noqa: FBT001
    """Below version 3 only a 201 keeps a device from sending it for ever (rule 1.7)."""
    problem = receipt.problem or ""
    if strict:
        return _answer(422, "processing_failure", problem, receipt.form_id)
    if receipt.resubmitted:
        problem = f"Form is a duplicate of another! ({receipt.form_id})"
    return _answer(201, "submit_error", problem, receipt.form_id)


def _no_form(receipt: Receipt, _strict: bool, _device_id: str) -> OpenRosaAnswer:  # noqa: FBT001
    text = f"There was an error processing the form: {receipt.problem}"
    return _answer(422, "processing_failure", text, receipt.form_id)


def _device_log(_receipt: Receipt, strict: bool, device_id: str) -> OpenRosaAnswer:  # noqa: FBT001
    return _normal(Receipt(form_id=None, kind=Kind.NORMAL), strict, device_id)


_OUTCOMES: Final[Mapping[Kind, Callable[[Receipt, bool, str], OpenRosaAnswer]]] = {
    Kind.DUPLICATE: _duplicate,
    Kind.ERROR: _error,
    Kind.SUBMISSION_ERROR: _no_form,
    Kind.DEVICE_LOG: _device_log,
}


def _answer(
    status: int, nature: str, text: str, form_id: str | None = None
) -> OpenRosaAnswer:
    ids = {} if form_id is None else {"X-CommCareHQ-FormID": header_safe(form_id)}
    return OpenRosaAnswer(status, nature, printable(text), ids)
