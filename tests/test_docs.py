"""The pages tell the truth (CONTRIBUTING.md, "Pages")."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator

import click
import pytest

from api.cli import caseledger
from api.routes import ROUTES
from api.wire.permissions import ROLES, Permission
from tests.kit.generated import GENERATED
from tests.kit.pages import PAGES, ROOT, Fence, fences, inline_code, prose
from tests.kit.problem_texts import HOLE, Text, problem_texts, squeezed

DECISIONS = [name for name in PAGES if name.startswith("docs/decisions/")]
API_PAGES = [name for name in PAGES if name.startswith("docs/api/")]
PROGRAM = ("ledger", "projections", "importers", "api")
CODE = (*PROGRAM, "bench", "tests")
CONFIGURATION = ROOT / "docs" / "configuration.md"
COMMAND_LINE = "docs/cli.md"
ERRORS = "docs/errors.md"
SETTING = re.compile(r"\bCASELEDGER_[A-Z][A-Z_]*[A-Z]\b")
ROUTE = re.compile(r"(GET|HEAD|OPTIONS|POST|PUT|DELETE|PATCH) (/\S*)")
ROW = re.compile(r"^\| ([\d, ]+) \| `([^`]+)` \|", re.MULTILINE)
MENTION = re.compile(r"\bcaseledger((?: +[a-z][a-z-]*(?![\w./-]))+)")

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
    code = "\n".join([fence.body for fence in fences(name)])
    shown = re.findall(r"^(?:\$ )?make ([\w-]+)", code, re.MULTILINE)
    shown += re.findall(r"`make ([\w-]+)`", text)
    assert set(shown) <= targets()


@every_page
def test_examples_in_json_and_python_parse(name):
    """Every example that is marked as JSON or Python is JSON or Python."""
    for fence in fences(name):
        if fence.language == "json":
            json.loads(fence.body)
        if fence.language == "python":
            ast.parse(fence.body)


@every_page
def test_no_page_names_a_setting_that_does_not_exist(name):
    """Every ``CASELEDGER_…`` variable of a page is read by the program or its tests."""
    assert set(SETTING.findall(PAGES[name].read_text())) <= settings(*CODE)


def test_every_setting_is_documented():
    """docs/configuration.md names every variable that the program reads."""
    assert settings(*PROGRAM) <= set(SETTING.findall(CONFIGURATION.read_text()))


def test_every_route_is_documented():
    """docs/api/ has a row for every route of the table, and for nothing else."""
    served = {(route.method, route.written_path) for route in ROUTES}
    shown = {found for name in API_PAGES for found in routes_of(name)}
    assert shown == served


@every_page
def test_no_page_names_a_route_that_does_not_exist(name):
    """Every ``METHOD /path`` in a sentence or table is a route."""
    served = {(route.method, route.written_path) for route in ROUTES}
    assert set(routes_of(name)) <= served


def test_every_role_and_permission_is_documented():
    """A reader can find what each role may do."""
    text = PAGES["docs/api/process.md"].read_text()
    assert {role for role in ROLES if f"| `{role}` |" not in text} == set()
    assert Permission.MANAGE in ROLES["admin"]


def test_every_subcommand_is_documented():
    """docs/cli.md has a section for every subcommand, and for nothing else."""
    sections = {heading.strip("`") for heading in headings(COMMAND_LINE)}
    commands = {f"caseledger {' '.join(path)}" for path in subcommands()}
    assert {s for s in sections if s.startswith("caseledger ")} == commands


def test_every_option_is_documented():
    """The section of a subcommand names every option, and no other."""
    for path, command in subcommands().items():
        section = section_of(COMMAND_LINE, f"`caseledger {' '.join(path)}`")
        shown = set(re.findall(r"^\| `(?:-\w, )?(--[a-z-]+)", section, re.MULTILINE))
        taken = {o for p in command.params for o in p.opts if o.startswith("--")}
        assert (path, shown) == (path, taken)


@every_page
def test_no_page_names_a_subcommand_that_does_not_exist(name):
    """Every ``caseledger something`` that is shown as code can be typed."""
    known = {word for path in subcommands() for word in [path[:1], path[:2]]}
    groups = {path[0] for path in subcommands() if len(path) > 1}
    for words in mentions(name):
        asked = tuple(words[: 2 if words[0] in groups else 1])
        assert asked in known, f"{name}: caseledger {' '.join(words)}"


@pytest.mark.parametrize("name", GENERATED)
def test_a_page_that_is_made_of_the_source_is_up_to_date(name):
    """``make docs`` writes it anew; what no source says stands beside its maker."""
    assert PAGES[name].read_text().splitlines() == GENERATED[name]().splitlines()


def test_every_problem_is_documented():
    """docs/errors.md has a row for every text in the source, with its status."""
    rows = documented_problems()
    missing = [text for text in problem_texts() if not is_documented(text, rows)]
    assert [f"{text.place}: {text.template}" for text in missing] == []


def test_no_problem_is_documented_that_does_not_exist():
    """Every row of docs/errors.md is a text of the source."""
    known = [pattern(text) for text in problem_texts()]
    rows = [row for _, row in documented_problems()]
    assert [r for r in rows if not any(p.fullmatch(r) for p in known)] == []


@every_decision
def test_decision_records_have_one_shape(name):
    """A record has a number, and says context, decision and consequences."""
    assert re.fullmatch(r"docs/decisions/(\d{4}-[a-z0-9-]+|index|README)\.md", name)
    if re.search(r"/\d{4}-", name):
        found = {heading.lower() for heading in headings(name)}
        assert {"context", "decision", "consequences"} <= found


def test_decision_records_are_numbered_without_gaps():
    """Records count from 1, so that none was lost or numbered twice."""
    numbers = [int(n) for n in re.findall(r"/(\d{4})-", "\n".join(DECISIONS))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_decision_is_in_the_index():
    """docs/decisions/README.md links every record, under its own title."""
    index = PAGES["docs/decisions/README.md"].read_text()
    records = [name for name in DECISIONS if re.search(r"/\d{4}-", name)]
    for name in records:
        title = headings(name)[0].partition(". ")[2]
        file = name.rpartition("/")[2]
        assert f"| [{file[:4]}]({file}) | {title} |" in index


def test_every_page_can_be_found():
    """Whoever starts at docs/index.md reaches every page by links."""
    found, waiting = {"docs/index.md"}, ["docs/index.md"]
    while waiting:
        name = waiting.pop()
        reached = {page_of(name, link) for link in links(name)} & PAGES.keys()
        waiting += reached - found
        found |= reached
    assert found == PAGES.keys()


def page_of(name: str, link: str) -> str:
    """Return the page that a link leads to."""
    target = (PAGES[name].parent / link.partition("#")[0]).resolve()
    return target.relative_to(ROOT).as_posix()


def routes_of(name: str) -> list[tuple[str, str]]:
    """Return the routes that a page names in its sentences and tables."""
    found = [ROUTE.fullmatch(code) for code in inline_code(name)]
    return [(match[1], match[2]) for match in found if match]


def subcommands() -> dict[tuple[str, ...], click.Command]:
    """Return every command that can be typed, by its words."""
    ctx = click.Context(caseledger)
    found: dict[tuple[str, ...], click.Command] = {}
    for name in caseledger.list_commands(ctx):
        command = caseledger.get_command(ctx, name)
        if isinstance(command, click.Group):
            found |= {(name, inner): c for inner, c in command.commands.items()}
        elif command is not None:
            found[name,] = command
    return found


def mentions(name: str) -> list[list[str]]:
    """Return the words behind ``caseledger`` wherever a page shows it as code."""
    code = [fence.body for fence in fences(name) if is_typed(fence)]
    found = MENTION.findall("\n".join([*code, *inline_code(name)]))
    return [words.split() for words in found]


def is_typed(fence: Fence) -> bool:
    """Tell whether a block of code shows commands."""
    return fence.language in {"sh", "console", "ini"}


def section_of(name: str, heading: str) -> str:
    """Return what stands under a heading, up to the next one."""
    _, found, rest = prose(name).partition(f"# {heading}\n")
    assert found, f"{name} has no section {heading}"
    return re.split(r"^#", rest, maxsplit=1, flags=re.MULTILINE)[0]


def documented_problems() -> list[tuple[set[int], str]]:
    """Return the rows of docs/errors.md: statuses (or exit codes) and text."""
    return [
        ({int(code) for code in codes.split(",")}, squeezed(text))
        for codes, text in ROW.findall(PAGES[ERRORS].read_text())
    ]


def pattern(text: Text) -> re.Pattern[str]:
    """Return what a documented form of a text matches."""
    parts = [re.escape(part) for part in HOLE.split(text.template)[::2]]
    return re.compile("(.+)".join(parts), re.DOTALL)


def is_documented(text: Text, rows: list[tuple[set[int], str]]) -> bool:
    """Tell whether one of the rows is a text, with the status that it comes with."""
    statuses = [codes for codes, row in rows if pattern(text).fullmatch(row)]
    return any(text.status is None or text.status in codes for codes in statuses)


def links(name: str) -> Iterator[str]:
    """Yield the targets of a page's links that stay inside the repository."""
    for link in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if not re.match(r"[a-z][a-z0-9+.-]*:", link):
            yield link


def leads_somewhere(name: str, link: str) -> bool:
    """Tell whether the file and the heading of a link exist."""
    path, _, anchor = link.partition("#")
    target = (PAGES[name].parent / path).resolve() if path else PAGES[name]
    if not target.exists():
        return False
    found = target.relative_to(ROOT).as_posix()
    return not anchor or anchor in {slug(heading) for heading in headings(found)}


def headings(name: str) -> list[str]:
    """Return the headings of a page."""
    return re.findall(r"^#+ (.+?) *$", prose(name), re.MULTILINE)


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
