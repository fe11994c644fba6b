"""The body of a submission: raw XML, or the parts of a multipart form. Pure.

The checks stand in the order of ``rules/submission.md`` 1.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from mimetypes import MimeTypes
from typing import Final

from api.receiver.answers import ACCEPTED_LENGTH, Unprocessable
from api.wire.multipart_body import Part, read_parts
from api.wire.problems import Problem
from ledger.entry import Upload
from ledger.forms.names import printable

XML_PART: Final = "xml_submission_file"
MAX_FORM: Final = ACCEPTED_LENGTH
MAX_ATTACHMENT: Final = 15 * 1024 * 1024
EXTENSIONS: Final = (
    *("jpg", "jpeg", "png", "pdf"),
    *("3ga", "mp3", "wav", "amr", "qcp", "ogg"),
    *("3gpp", "3gp", "3gp2", "3g2", "mp4", "mpg4", "mpeg4", "m4v", "mpg", "mpeg"),
)
"""What the name of an attachment may end in; case matters."""

_KINDS: Final = ("audio/", "image/", "video/")
_TYPES: Final = ("application/octet-stream", "application/pdf")
_OF_NAME: Final = MimeTypes(filenames=())

_PARTS_REFUSED: Final = "Received a submission with POST.keys()"
_NO_XML_PART: Final = (
    "If you use multipart/form-data, please name your file xml_submission_file.\n"
    "You may also do a normal (non-multipart) post with the xml submission as the "
    "request body instead.\n"
)
_TWO_XML_PARTS: Final = (
    "If you use multipart/form-data, there must be one xml_submission_file only\n"
)
_BAD_EXTENSION: Final = (
    "If you use multipart/form-data, please use the following supported file "
    f"extensions for attachments: {', '.join(EXTENSIONS)}\n"
)
_EMPTY_XML_PART: Final = (
    "If you use multipart/form-data, the file xml_submission_file must not have an "
    "empty payload\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionBody:
    """The XML of a submission and what came with it."""

    form: bytes
    uploads: tuple[Upload, ...] = ()


def is_multipart(content_type: str) -> bool:
    """Tell whether a body has parts; every other body is the XML itself."""
    return content_type.lstrip()[:19].lower() == "multipart/form-data"


def read_body(body: bytes, content_type: str) -> SubmissionBody:
    """Return the form and the attachments of a request.

    Raises ``Problem`` in the order and words of rule 1.3.4: ``Unprocessable`` where
    OpenRosa has a nature for it, 400 and 413 as plain text elsewhere.
    """
    if is_multipart(content_type):
        return _read_parts(_parts(body, content_type))
    if len(body) > MAX_FORM:
        raise form_too_large()
    if not body:
        raise Problem(400, "Post may not have an empty body\n")
    return SubmissionBody(form=body)


def form_too_large() -> Problem:
    """Return the 413 for XML of more than 10 MiB (rules D-b and D-c)."""
    return Problem(413, "Form exceeds 10MB size limit\n")


def _read_parts(parts: Sequence[Part]) -> SubmissionBody:
    form, files = _chosen(parts)
    if len(form.content) > MAX_FORM:
        raise form_too_large()
    if any(len(part.content) > MAX_ATTACHMENT for part in files):
        raise Problem(413, "Attachment exceeds 15MB size limit\n")
    if not all(map(_is_welcome, files)):
        raise Unprocessable(_BAD_EXTENSION)
    if not form.content:
        raise Problem(400, _EMPTY_XML_PART)
    uploads = {part.name: _upload(part) for part in files}
    return SubmissionBody(form=form.content, uploads=tuple(uploads.values()))


def _chosen(parts: Sequence[Part]) -> tuple[Part, list[Part]]:
    """Return the part with the form and the others, all of which must be files."""
    if any(part.filename is None for part in parts):
        raise Problem(400, _PARTS_REFUSED)
    # A browser sends an empty name for a field in which no file was chosen.
    files = [part for part in parts if part.filename or part.content]
    forms = [part for part in files if part.name == XML_PART]
    if not forms:
        raise Problem(400, _NO_XML_PART)
    if len(forms) > 1:
        raise Problem(400, _TWO_XML_PARTS)
    return forms[0], [part for part in files if part.name != XML_PART]


def _is_welcome(part: Part) -> bool:
    extension = (part.filename or "").rpartition(".")[2]
    content_type = part.content_type or ""
    return (
        extension in EXTENSIONS
        or content_type.startswith(_KINDS)
        or content_type in _TYPES
    )


def _upload(part: Part) -> Upload:
    """Return an attachment under its part's name (``rules/case-xml.md`` 11)."""
    guessed, _ = _OF_NAME.guess_type(part.filename or "")
    content_type = part.content_type or guessed or "application/octet-stream"
    return Upload(
        name=printable(part.name),
        content_type=printable(content_type),
        content=part.content,
    )


def _parts(body: bytes, content_type: str) -> list[Part]:
    try:
        return read_parts(body, content_type)
    except ValueError as error:
        text = f"The multipart/form-data body could not be read: {error}\n"
        raise Problem(400, printable(text)) from None
