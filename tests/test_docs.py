"""The pages tell the truth (architecture section 13)."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
DECISIONS = [name for name in PAGES if name.startswith("docs/decisions/")]
PROGRAM = ("ledger", "projections", "importers", "api")
CODE = (*PROGRAM, "bench", "tests")
CONFIGURATION = ROOT / "docs" / "configuration.md"
SETTING = re.compile(r"\bCASELEDGER_[A-Z][A-Z_]*[A-Z]\b")
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

every_page = pytest.mark.parametrize("name", PAGES)
every_decision = pytest.mark.parametrize("name", DECISIONS)


@every_page
def test_links_lead_somewhere(name):
    """Every link inside the repository names a file and a heading that exist."""
    broken = [link for link in links(name) if not leads_somewhere(name, link)]
    assert broken == []


@every_page
def test_commands_of_make_exist(name):
    """Every ``make something`` that is shown as code is a target of the Makefile."""
    text = PAGES[name].read_text()
    code = "\n".join([body for _, body in FENCED.findall(text)])
    shown = re.findall(r"^(?:\$ )?make ([\w-]+)", code, re.MULTILINE)
    shown += re.findall(r"`make ([\w-]+)`", text)
    assert set(shown) <= targets()


@every_page
def test_examples_in_json_and_python_parse(name):
    """Every example that is marked as JSON or Python is JSON or Python."""
    for language, body in FENCED.findall(PAGES[name].read_text()):
        if language == "json":
            json.loads(body)
        if language == "python":
            ast.parse(body)


@every_page
def test_no_page_names_a_setting_that_does_not_exist(name):
    """Every ``CASELEDGER_…`` variable of a page is read by the program or its tests."""
    assert set(SETTING.findall(PAGES[name].read_text())) <= settings(*CODE)


@pytest.mark.skipif(not CONFIGURATION.exists(), reason="docs/configuration.md is due")
def test_every_setting_is_documented():
    """docs/configuration.md names every variable that the program reads."""
    assert settings(*PROGRAM) <= set(SETTING.findall(CONFIGURATION.read_text()))


@every_decision
def test_decision_records_have_one_shape(name):
    """A record has a number, and says context, decision and consequences."""
    assert re.fullmatch(r"docs/decisions/(\d{4}-[a-z0-9-]+|index|README)\.md", name)
    if re.search(r"/\d{4}-", name):
        found = {heading.lower() for heading in headings(PAGES[name])}
        assert {"context", "decision", "consequences"} <= found


def test_decision_records_are_numbered_without_gaps():
    """Records count from 1, so that none was lost or numbered twice."""
    numbers = [int(n) for n in re.findall(r"/(\d{4})-", "\n".join(DECISIONS))]
    assert numbers == list(range(1, len(numbers) + 1))


def links(name: str) -> Iterator[str]:
    """Yield the targets of a page's links that stay inside the repository."""
    text = FENCED.sub("", PAGES[name].read_text())
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if not re.match(r"[a-z][a-z0-9+.-]*:", link):
            yield link


def leads_somewhere(name: str, link: str) -> bool:
    """Tell whether the file and the heading of a link exist."""
    path, _, anchor = link.partition("#")
    target = (PAGES[name].parent / path).resolve() if path else PAGES[name]
    if not target.exists():
        return False
    return not anchor or anchor in {slug(heading) for heading in headings(target)}


def headings(page: Path) -> list[str]:
    """Return the headings of a page."""
    text = FENCED.sub("", page.read_text())
    return re.findall(r"^#+ (.+?) *$", text, re.MULTILINE)


def slug(heading: str) -> str:
    """Return the anchor under which a heading can be reached."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def targets() -> set[str]:
    """Return the targets of the Makefile."""
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def settings(*folders: str) -> set[str]:
    """Return the names of all variables that the code in some folders speaks of."""
    found = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    return {name for path in found for name in SETTING.findall(path.read_text())}
