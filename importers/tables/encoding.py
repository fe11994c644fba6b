"""In which encoding a text file is: told by its first bytes, tried, or assumed.

UTF-8 and what has a byte order mark are certain. Everything else is assumed from the
lines that have more than ASCII: ``charset-normalizer`` says how orderly each code page
of a spreadsheet would be, and words that no language has count against it. A file of
any length is looked at a piece at a time (``rules/excel-import.md`` 4.1a).
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from charset_normalizer import from_bytes

from importers.tables.unreadable import Reason, Unreadable

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp1255", "cp1256"),
    *("mac_roman", "cp874", "cp932", "gb18030", "cp949", "big5"),
)
"""What is assumed, of two that fit alike the first."""

_SAMPLE = 16 * 1024
_HEAD = 4096
_PIECE = 1 << 16
_MESSIEST = 0.35
_ODD_WEIGHT = 0.5
_SENSE_WEIGHT = 0.4
_ORDER_WEIGHT = 0.002
_RARE = {"mac_roman": 0.15}
"""What nobody has written for long needs to fit better than others."""

_WORD = re.compile(r"\S+")
_EAST = frozenset({"HIRAGANA", "KATAKANA", "CJK"})
"""Scripts that stand in one word, with each other alone."""

_EDGES = (
    "\"'()[]{}<>-.,:;!?/|"
    "\u201c\u201d\u2018\u2019\xab\xbb\u201e\u201a\u2039\u203a"
    "\u2013\u2014\xa1\xbf\u20ac\xa3\u2026"
)
"""Quotes, dashes, signs of currency: what stands beside words."""

_REMEDY = 'Save the file as "CSV UTF-8" and send that.'


@dataclass(frozen=True, slots=True)
class Encoding:
    """The codec of a file, and whether it was assumed."""

    codec: str
    is_assumed: bool = False

    @property
    def is_utf8(self) -> bool:
        """Tell whether it is what most files are in."""
        return self.codec in {"utf-8", "utf-8-sig"}

    @property
    def label(self) -> str:
        """Return its name for people."""
        if self.codec.startswith("cp12"):
            return f"windows-{self.codec[2:]}"
        return _LABELS.get(self.codec, self.codec.upper())


_LABELS = {
    "utf-8-sig": "UTF-8",
    "mac_roman": "Mac Roman",
    "cp874": "windows-874",
    "cp932": "Shift_JIS",
    "cp949": "EUC-KR",
    "big5": "Big5",
}


def encoding_of(path: Path) -> Encoding:
    """Return the encoding of a file. Raises ``Unreadable`` if there is none."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    for mark, codec in _MARKS:
        if head.startswith(mark):
            return Encoding(codec)
    wide = _without_mark(head) if b"\0" in head else None
    if wide is not None:
        return Encoding(wide, is_assumed=True)
    wrong = _first_not_utf8(path)
    if wrong is None:
        return Encoding("utf-8")
    sample, mixed = _sampled(path)
    page = _assumed(sample)
    if page is None or (mixed and page not in _OF_SEVERAL_BYTES):
        raise not_text(wrong)
    return Encoding(page, is_assumed=True)


def not_text(row: int) -> Unreadable:
    """Return how a file is refused whose bytes are no text from a row on."""
    return Unreadable(
        Reason.DAMAGED,
        f"Row {row} is neither UTF-8 nor text of one known code page. {_REMEDY}",
    )


def zero_byte(row: int) -> Unreadable:
    """Return how a file is refused with a byte that no text has."""
    text = f"Row {row} holds a zero byte, which no text has. {_REMEDY}"
    return Unreadable(Reason.DAMAGED, text)


def not_decoded(row: int, encoding: Encoding) -> Unreadable:
    """Return how a file is refused that breaks its own encoding."""
    return Unreadable(
        Reason.DAMAGED, f"Row {row} is not {encoding.label} text. {_REMEDY}"
    )


_OF_SEVERAL_BYTES = frozenset({"cp932", "gb18030", "cp949", "big5"})


def _without_mark(head: bytes) -> str | None:
    """Return the UTF-16 of which most letters have a zero byte in the same place."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    most, least = max(even, odd), min(even, odd)
    if least or most * 4 < len(head):
        return None
    return "utf-16-le" if odd else "utf-16-be"


def _first_not_utf8(path: Path) -> int | None:
    """Return the line with the first bytes that are not UTF-8."""
    for number, line in enumerate(_lines(path), start=1):
        if not line.isascii() and not _is_utf8(line):
            return number
    return None


def _sampled(path: Path) -> tuple[bytes, bool]:
    """Return the first lines and some with more than ASCII.

    Tells whether any of these is UTF-8.
    """
    found: list[bytes] = []
    size, mixed = 0, False
    for line in _lines(path):
        if line.isascii() and size > _HEAD:
            continue
        mixed = mixed or (not line.isascii() and _is_utf8(line))
        found.append(line)
        size += len(line)
        if size > _SAMPLE:
            break
    return b"".join(found), mixed


def _lines(path: Path) -> Iterator[bytes]:
    """Yield lines with their ends; a very long one in pieces at an ASCII character."""
    with path.open("rb") as file:
        left = b""
        while piece := file.read(_PIECE):
            *whole, left = (left + piece).splitlines(keepends=True)
            yield from whole
            if len(left) > _PIECE:
                cut = len(left) - next(
                    (n for n, byte in enumerate(reversed(left)) if byte < 0x80),  # noqa: PLR2004
                    0,
                )
                yield left[:cut]
                left = left[cut:]
        if left:
            yield left


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=16)
def _assumed(sample: bytes) -> str | None:
    """Return the code page that fits a sample best, if any fits."""
    fits = [
        (fit, codec) for codec in _PAGES if (fit := _fit(sample, codec)) is not None
    ]
    if not fits:
        return None
    text = sample.decode(min(fits)[1])
    # What reads the same is called by its usual name.
    return next(codec for codec in _PAGES if _decoded(sample, codec) == text)


def _decoded(sample: bytes, codec: str) -> str | None:
    try:
        return sample.decode(codec)
    except UnicodeDecodeError:
        return None


def _fit(sample: bytes, codec: str) -> float | None:
    """Return how badly a code page fits, ``None`` where it cannot be."""
    match = from_bytes(sample, cp_isolation=[codec], threshold=_MESSIEST).best()
    # Where nothing fits the library falls back to pages that nobody asked for.
    odd = None if match is None or match.encoding != codec else _oddness(str(match))
    if match is None or odd is None:
        return None
    order = _ORDER_WEIGHT * _PAGES.index(codec) + _RARE.get(codec, 0)
    return match.chaos + _ODD_WEIGHT * odd - _SENSE_WEIGHT * match.coherence + order


def _oddness(text: str) -> float | None:
    """Return which share of the words with more than ASCII no language has.

    ``None`` for a text with control characters, which nobody writes.
    """
    words = [word for word in _WORD.findall(text) if not word.isascii()]
    if any(unicodedata.category(char) in {"Cc", "Cn"} for w in words for char in w):
        return None
    return sum(map(_is_odd, words)) / (len(words) or 1)


def _is_odd(word: str) -> bool:
    return any(_is_odd_part(part) for part in re.split(r"[,;|\t]", word))


def _is_odd_part(word: str) -> bool:
    inner = word.strip(_EDGES)
    scripts = {_script(char) for char in inner if char.isalpha()}
    if len(scripts - _EAST) > (0 if scripts & _EAST else 1) or "HALFWIDTH" in scripts:
        return True
    if not scripts:
        return False
    is_mark_first = unicodedata.category(inner[0]).startswith("M")
    return is_mark_first or _has_sign_inside(inner) or _has_capital_inside(inner)


def _has_sign_inside(word: str) -> bool:
    kinds = (unicodedata.category(char)[0] for char in word if not char.isascii())
    return any(kind in "SNP" for kind in kinds)


def _has_capital_inside(word: str) -> bool:
    """Tell whether a letter that is not ASCII is the wrong one of its two sizes."""
    return any(
        right.isupper() and (left.islower() or after.islower())
        for left, right, after in zip(word, word[1:], word[2:] + "x", strict=False)
        if not (left + right).isascii()
    )


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    return unicodedata.name(char, "?").partition(" ")[0]
