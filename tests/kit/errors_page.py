"""docs/errors.md, made of the problem texts in the source.

The texts are found in the source, and so is the status that each comes with. What no
source says stands in errors_page.toml: the sections and which files they tell of, when
a text is met, and a status that another place gives it. A text stands in the sections
that name it, else in the one that tells of its file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from api.wire.problems import from_ledger
from ledger.errors import Conflict, LedgerError, NotFound
from tests.kit.problem_texts import HOLE, Text, problem_texts

NOTES = Path(__file__).with_suffix(".toml")

# The status that makers give a text over HTTP, where the source does not say it.
_MADE_BY = (
    (400, ("invalid", "at_fault")),
    (from_ledger(Conflict("")).status, ("Conflict", "InvalidPayload")),
    (from_ledger(LedgerError()).status, ("LedgerError", "QueryError")),
    (from_ledger(NotFound()).status, ("NotFound",)),
    (500, ("Damaged", "Unreadable", "_TryAnother")),
    (503, ("Overloaded", "StaleTables", "StoreUnavailable", "not_ready")),
    (503, ("ClockJumped", "ReadOnlyStore", "RolledBack")),
)
_STATUSES = {maker: status for status, makers in _MADE_BY for maker in makers}
_WRONG_USAGE = ("ConfigError", "UsageError", "fail")
_HTTP_ALONE = ("Problem", "invalid", "at_fault")


class Wrong(Exception):
    """The notes and the source do not fit; the text says where."""


@dataclass
class Section:
    """A part of the page: what it says itself, and which texts it shows.

    ``told`` says how: over http, by the exit code of a command, or both.
    """

    title: str
    text: str = ""
    files: list[str] = field(default_factory=list)
    told: str = "http"
    when: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    made_by: dict[str, str] = field(default_factory=dict)

    def lines(self, shown: Mapping[str, list[Text]]) -> Iterator[str]:
        """Yield the lines of the section."""
        yield from (self.title, "")
        if self.text:
            yield from (self.text.strip(), "")
        if shown:
            name = "exit" if self.told == "exit" else "status"
            yield from (f"| {name} | text | when |", "| --- | --- | --- |")
            rows = [
                (self._statuses(text, made), text, self.when.get(text, ""))
                for text, made in shown.items()
            ]
            for status, text, when in sorted(rows, key=_order):
                yield f"| {status} | `{text}` | {when}{' ' if when else ''}|"
            yield ""

    def _statuses(self, shown: str, made: list[Text]) -> str:
        if shown in self.status:
            return self.status[shown]
        for text in made:
            if text.maker in self.made_by:
                return self.made_by[text.maker]
        found = {code for text in made for code in self._codes(text)}
        if not found:
            raise Wrong(f"{NOTES.name} does not say the status of {shown!r}")
        # Exit codes stand behind the others.
        return ", ".join(map(str, sorted(found, key=lambda n: (n < 100, n))))

    def _codes(self, text: Text) -> Iterator[int]:
        if self.told != "exit":
            status = text.status or _STATUSES.get(text.maker)
            yield from () if status is None else (status,)
        if self.told != "http" and text.maker not in _HTTP_ALONE:
            yield 2 if text.maker in _WRONG_USAGE else 1


def page() -> str:
    """Return the page; raises ``Wrong`` for a note of nothing, a text without place."""
    notes = tomllib.loads(NOTES.read_text())
    sections = [Section(**section) for section in notes["section"]]
    texts: dict[str, list[Text]] = {}
    for text in problem_texts():
        texts.setdefault(_shown(text, notes["holes"]), []).append(text)
    _check(sections, texts)
    _check_words(notes["holes"])
    places = {shown: _places(shown, made, sections) for shown, made in texts.items()}
    lines = [f"# {notes['title']}", "", notes["text"].strip(), ""]
    for number, section in enumerate(sections):
        own = {shown: texts[shown] for shown in texts if number in places[shown]}
        lines += section.lines(own)
    return "\n".join(lines)


def _shown(text: Text, holes: Mapping[str, Mapping[str, str]]) -> str:
    """Return a text as a reader sees it, with words for what is put in."""
    words = holes["*"] | holes.get(text.place, {})

    def word(hole: re.Match[str]) -> str:
        last = hole[1].rpartition(".")[2]
        plain = last.strip("_").lower().replace("_", " ")
        found = words.get(hole[1]) or words.get(last, plain)
        return found if "<" in found else f"<{found}>"

    return HOLE.sub(word, text.template)


def _check(sections: Iterable[Section], texts: Mapping[str, list[Text]]) -> None:
    """Refuse notes of a text that is not in the source, and a status that it denies."""
    for section in sections:
        for shown in (*section.when, *section.status):
            if shown not in texts:
                near = get_close_matches(shown, texts, n=1)
                raise Wrong(
                    f"{NOTES.name} speaks under {section.title!r} of a text that is "
                    f"not in the source: {shown!r}; it has {near}"
                )
        for shown, said in section.status.items():
            known = {str(text.status) for text in texts[shown]} - {"None"}
            if section.told != "exit" and not known <= set(said.split(", ")):
                raise Wrong(f"{shown!r} comes with {known}, not with {said} alone")


def _check_words(holes: Mapping[str, Mapping[str, str]]) -> None:
    """Refuse words for names that no text of their file, or of any, has."""
    names: dict[str, set[str]] = {"*": set()}
    for text in problem_texts():
        for hole in HOLE.findall(text.template):
            for place in ("*", text.place):
                names.setdefault(place, set()).update({hole, hole.rpartition(".")[2]})
    for place, words in holes.items():
        if idle := words.keys() - names.get(place, set()):
            raise Wrong(f"{NOTES.name} has words for {idle} that {place} does not say")


def _places(shown: str, made: Iterable[Text], sections: Iterable[Section]) -> set[int]:
    """Return the numbers of the sections of a text."""
    named = {n for n, section in enumerate(sections) if shown in section.when}
    return named or {_section_of(text, sections) for text in made}


def _section_of(text: Text, sections: Iterable[Section]) -> int:
    """Return the section that tells of a file, or of the nearest folder around it."""
    found = [
        (len(prefix), number)
        for number, section in enumerate(sections)
        for prefix in section.files
        if text.place.startswith(prefix)
    ]
    if not found:
        raise Wrong(f"no section of {NOTES.name} tells of {text.place}")
    return max(found)[1]


def _order(row: tuple[str, str, str]) -> tuple[int, str]:
    """Sort rows by their first status, then by their words."""
    status, text, _ = row
    words = "".join(c for c in text.casefold() if c.isalnum() or c == " ")
    return int(status.partition(",")[0]), words.strip()
