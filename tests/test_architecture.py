"""The house rules that no tool checks by itself (architecture sections 3 and 13)."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.routes import ROUTES
from api.wire.permissions import Permission

ROOT = Path(__file__).parents[1]
PACKAGES = ("ledger", "projections", "importers", "api")
SOURCES = {
    path.relative_to(ROOT).as_posix(): path
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
}
TREES = {name: ast.parse(path.read_text()) for name, path in SOURCES.items()}
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())

LONGEST_FILE = 500
LONGEST_FUNCTION = 60

SPEAKS_DIALECTS = {
    "ledger/columns.py",
    "ledger/storage/connection.py",
    "ledger/storage/dialect.py",
    "ledger/store.py",
}
READS_THE_CLOCK = {"ledger/clock.py"}
CLOCKS = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.gmtime",
    "time.localtime",
}
MAKES_RANDOM_IDS = {"ledger/ids.py"}
RANDOM_IDS = {"uuid.uuid1", "uuid.uuid4"}
CHANCE = {"random", "secrets", "os.urandom", *RANDOM_IDS}

every_file = pytest.mark.parametrize("name", TREES)


def test_packages_keep_the_layers_and_the_pure_core_is_pure():
    """Every import-linter contract of pyproject.toml is kept (section 3)."""
    program = Path(sys.executable).with_name("lint-imports")
    told = subprocess.run(
        [program, "--no-logo", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


def test_a_module_that_calls_itself_pure_is_held_to_it():
    """A docstring that says "Pure." puts its module into the pure-core contract."""
    claimed = [
        module(name)
        for name, tree in TREES.items()
        if re.search(r"\bPure\.", ast.get_docstring(tree) or "")
    ]
    assert [found for found in claimed if not in_pure_core(found)] == []


@every_file
def test_a_database_is_named_only_where_the_databases_differ(name):
    """No file but those four holds the word "sqlite" or "postgresql"."""
    words = {
        node.value for node in ast.walk(TREES[name]) if isinstance(node, ast.Constant)
    }
    named = words & {"sqlite", "postgresql"}
    assert not named or name in SPEAKS_DIALECTS


@every_file
def test_xml_is_parsed_in_one_place(name):
    """``XMLParser`` is made, and lxml asked to parse, in ledger/forms/xml.py alone."""
    parsers = {"XMLParser", "etree.fromstring", "etree.parse", "etree.XML"}
    found = {
        called
        for called in calls(TREES[name])
        if any(called == p or called.endswith(f".{p}") for p in parsers)
    }
    assert not found or name == "ledger/forms/xml.py"


@every_file
def test_the_clock_is_read_in_one_place(name):
    """No ``datetime.now`` and its like outside ledger/clock.py (law 2)."""
    found = names_used(TREES[name]) & CLOCKS
    assert not found or name in READS_THE_CLOCK


@every_file
def test_random_ids_are_made_in_one_place(name):
    """No ``uuid4`` outside ledger/ids.py."""
    found = names_used(TREES[name]) & RANDOM_IDS
    assert not found or name in MAKES_RANDOM_IDS


@every_file
def test_what_is_replayed_leaves_nothing_to_chance(name):
    """Projections and pure modules use no randomness at all (law 2)."""
    used = names_used(TREES[name])
    found = {
        use
        for use in used
        for source in CHANCE
        if use == source or use.startswith(f"{source}.")
    }
    replayed = name.startswith("projections/") or in_pure_core(module(name))
    assert not (found and replayed)


@every_file
def test_imports_stand_at_the_top(name):
    """No function imports anything: what a file needs is told by its first lines."""
    late = [
        f"{name}:{node.lineno}"
        for function in functions(TREES[name])
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert late == []


@every_file
def test_files_stay_short(name):
    """No file is longer than 500 lines; one that grows past it becomes a folder."""
    assert len(SOURCES[name].read_text().splitlines()) <= LONGEST_FILE


@every_file
def test_functions_stay_short(name):
    """No function is longer than 60 lines, docstring included."""
    long = [
        f"{name}:{function.lineno} {function.name}"
        for function in functions(TREES[name])
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


@every_file
def test_a_file_says_what_lives_in_it(name):
    """Every module begins with a docstring."""
    assert ast.get_docstring(TREES[name])


def module(name: str) -> str:
    """Return the dotted name of a file."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def in_pure_core(dotted: str) -> bool:
    """Tell whether the pure-core contract covers a module."""
    contracts = SETTINGS["tool"]["importlinter"]["contracts"]
    [contract] = [c for c in contracts if c["id"] == "pure-core"]
    patterns = [
        re.escape(entry).replace(r"\*\*", r".+").replace(r"\*", r"[^.]+")
        for entry in contract["source_modules"]
    ]
    return any(re.fullmatch(rf"{p}(\..+)?", dotted) for p in patterns)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def calls(tree: ast.Module) -> set[str]:
    """Return the dotted names of everything that a file calls."""
    return {
        dotted(node.func, {}) for node in ast.walk(tree) if isinstance(node, ast.Call)
    }


def names_used(tree: ast.Module) -> set[str]:
    """Return what a file imports or reads, by the names of where it comes from.

    Of ``datetime.datetime.now`` the last two words are kept.
    """
    origins = dict(imported(tree))
    found = set(origins.values())
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            found.add(dotted(node, origins))
    return {".".join(name.split(".")[-2:]) for name in found}


def imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield each name that a file imports, with where it comes from."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (
                (alias.asname or alias.name, alias.name) for alias in node.names
            )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def dotted(node: ast.expr, origins: dict[str, str]) -> str:
    """Return ``a.b.c`` of such an expression, ``a`` replaced by its origin."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, origins)}.{node.attr}"
    if isinstance(node, ast.Name):
        return origins.get(node.id, node.id)
    return ""


def test_every_route_asks_for_a_permission():
    """Only pages about the process, CORS and the device receiver are open."""
    assert all(isinstance(route.permission, Permission) for route in ROUTES)
    anybody = {
        (route.method, route.path)
        for route in ROUTES
        if route.permission is Permission.OPEN and "{domain}" in route.path
    }
    others = {
        (method, path)
        for method, path in anybody
        if method != "OPTIONS" and not path.startswith("/a/{domain}/receiver")
    }
    assert others == set()
