"""Every rule that the code speaks of stands on a page of docs/rules.

A citation is the page and the number, as in ``rules/case-xml.md`` 10.4 or
rules/case-xml.md 13 to 15, D-3. A module whose docstring cites one page may leave the
page out and say rule 10.4, or rules 13 and 14.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from tests.kit.pages import PAGES, ROOT, prose

FOLDERS = ("ledger", "projections", "importers", "api", "tests", "bench")
SOURCES = {
    path.relative_to(ROOT).as_posix(): path.read_text()
    for folder in FOLDERS
    for path in sorted((ROOT / folder).rglob("*.py"))
}
TEXTS = {
    name: re.sub(r"\s*\n\s*(?:# )?", " ", source) for name, source in SOURCES.items()
}
"""The sources as one line each: a citation may be broken, a comment too."""

RULES = {name.removeprefix("docs/"): name for name in PAGES if "/rules/" in name}
INDEX = "rules/README.md"

NUMBER = r"(?:R0\.\d+[a-z]?|D-?\d+|D-[a-z]|\d+(?:\.\d+)*[a-z]?)(?!\w|\.\d)"
NUMBERS = rf"{NUMBER}(?:(?:, | and | to ){NUMBER})*"
FULL = re.compile(rf"(rules/[\w-]+\.md)`* ({NUMBERS})")
BARE = re.compile(rf"\b[Rr]ules? ({NUMBERS})")
ANY_PAGE = re.compile(r"[\w./-]*\w\.md\b")
BOLD = re.compile(rf"^(?:\| )?\*\*({NUMBER})\*\*", re.MULTILINE)
HEADING = re.compile(rf"^#+ ({NUMBER})\.? ", re.MULTILINE)

OUTDATED = re.compile(r"\b[Ss]ections? \d|\b[Rr]ulings?\b|\bR-\d")
LOOSE = re.compile(r"^\d\d?[:,] |(?:^|\()(?:\d+\.\d|D-?\d|D-[a-e]|R0\.\d)")
DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)


def test_every_citation_leads_to_a_rule():
    """Each number of a list is on the page, and both ends of "13 to 15" are."""
    wrong = [
        f"{name}: {page} {number}"
        for name, text in TEXTS.items()
        for page, numbers in FULL.findall(text)
        for number in re.findall(NUMBER, numbers)
        if number not in numbers_of(page)
    ]
    assert wrong == []


def test_a_rule_without_a_page_is_one_of_the_page_that_its_module_cites():
    """The docstring of the module cites exactly one page, which has the number."""
    wrong = [
        f"{name}: rule {number}"
        for name, text in TEXTS.items()
        for numbers in BARE.findall(text)
        for number in re.findall(NUMBER, numbers)
        if number not in numbers_of(the_page_of(name))
    ]
    assert wrong == []


def test_no_rule_is_meant_by_its_number_alone():
    """A docstring neither begins with 10.4 nor puts it in brackets without a word."""
    wrong = [
        f"{name}: {found}"
        for name, source in SOURCES.items()
        for docstring in DOCSTRING.findall(source)
        for found in LOOSE.findall(docstring)
    ]
    assert wrong == []


def test_nothing_speaks_of_what_the_rules_replaced():
    """No source counts sections or names rules by other numbers than the pages do."""
    wrong = [
        f"{name}: {found}"
        for name, text in TEXTS.items()
        for found in OUTDATED.findall(text)
    ]
    assert wrong == []


def test_every_page_that_a_source_names_is_there():
    """A page is named from the root of the repository or from docs/."""
    wrong = [
        f"{name}: {page}"
        for name, text in TEXTS.items()
        for page in ANY_PAGE.findall(text)
        if not {page, f"docs/{page}"} & PAGES.keys()
    ]
    assert wrong == []


def test_a_rule_has_its_number_alone():
    """No number is given twice on a page, so a citation means one rule."""
    for page in RULES:
        twice = [number for number, n in Counter(numbers_of(page)).items() if n > 1]
        assert (page, twice) == (page, [])


def test_every_page_of_rules_is_cited():
    """A page that no code speaks of would be rules of nothing."""
    cited = {page for text in TEXTS.values() for page, _ in FULL.findall(text)}
    assert RULES.keys() - cited == {INDEX}


@cache
def numbers_of(page: str | None) -> list[str]:
    """Return the numbers of a page: of paragraphs, rows of tables and headings."""
    if page not in RULES:
        return []
    text = prose(RULES[page])
    return BOLD.findall(text) + HEADING.findall(text)


def the_page_of(name: str) -> str | None:
    """Return the page that the docstring of a module cites, if it is one alone."""
    docstring = DOCSTRING.match(SOURCES[name])
    pages = set(re.findall(r"rules/[\w-]+\.md", docstring[1])) if docstring else set()
    return pages.pop() if len(pages) == 1 else None
