"""Documents whose encoding stands beside them (``rules/case-xml.md`` 2.5)."""

from __future__ import annotations

import pytest

from ledger.forms.charset import declared
from ledger.forms.xml import own_text, parse_xml

TEXT = "Zo\xeb"


@pytest.mark.parametrize(
    ("charset", "before"),
    [
        ("ISO-8859-1", ""),
        ("windows-1252", '<?xml version="1.0"?>'),
        ("latin1", "<?xml version='1.0' standalone='yes'?>\n"),
        ("utf-16le", ""),
        ("UTF-16BE", '<?xml version="1.0"?>'),
    ],
)
def test_a_document_in_the_charset_of_its_header_is_read(charset, before):
    """Rule 2.5: it declares it from then on."""
    body = f"{before}<a>{TEXT}</a>".encode(charset)
    found = declared(body, charset)
    assert own_text(parse_xml(found)) == TEXT
    assert declared(found, charset) == found


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0" encoding="UTF-8"?><a>Zo\xc3\xab</a>',
        b"\xef\xbb\xbf<a>Zo\xc3\xab</a>",
        "<a>Zo\xeb</a>".encode("utf-16"),
        b"<a>Zoe</a>",
    ],
)
def test_what_says_its_encoding_or_needs_none_is_left_alone(body):
    """Rule 2.5: the document goes before its header."""
    assert declared(body, "iso-8859-1") == body


@pytest.mark.parametrize(
    "charset", ["nope", "us-ascii", "base64", "utf-8", "a\0", "hex"]
)
def test_a_charset_that_cannot_be_is_ignored(charset):
    """Rule 2.5: the document is in UTF-8 then, as without a header."""
    body = f"<a>{TEXT}</a>".encode()
    assert declared(body, charset) == body


@pytest.mark.parametrize("charset", ["punycode", "idna", "unicode_escape"])
def test_a_codec_that_no_document_has_is_never_tried(charset):
    """Rule 2.5: some take the square of the length, which anybody could ask for."""
    body = b"a" * 2_000_000
    assert declared(body, charset) is body
