"""Documents whose encoding is named beside them: they are made to say it. Pure.

A replay has the bytes alone, and no header (``rules/case-xml.md`` 2.5).
"""

from __future__ import annotations

import codecs
import re
from typing import Final

from ledger.forms.xml import is_known_encoding

_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DECLARATION: Final = re.compile(r"<\?xml(?P<version>\s+version\s*=\s*(\"|').*?\2)?")


def declared(body: bytes, charset: str) -> bytes:
    """Return a document that declares the charset with which it was sent.

    As it is where it declares or marks one itself, and where it could not be in that
    charset, or is the same in UTF-8.
    """
    # Python has codecs for other things too, some of which take a day for a megabyte:
    # what the parser does not know is never tried.
    if not is_known_encoding(charset):
        return body
    try:
        text = body.decode(charset)
        if body.startswith(_MARKS) or text.encode() == body:
            return body
        begin = _DECLARATION.match(text)
        if begin is None:
            return f'<?xml version="1.0" encoding="{charset}"?>{text}'.encode(charset)
        if "encoding" in text.partition("?>")[0]:
            return body
        version = begin["version"] or ' version="1.0"'
        start = f'<?xml{version} encoding="{charset}"'
        return f"{start}{text[begin.end() :]}".encode(charset)
    except (LookupError, ValueError):
        return body
