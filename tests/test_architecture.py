"""The house rules that no tool checks by itself.

They are told in docs/architecture.md and CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

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

TESTS = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
    for path in sorted((ROOT / "tests").rglob("*.py"))
}

SHARED = ("http", "wire", "openapi")
LONGEST_FILE = 500
LONGEST_FUNCTION = 60

SPEAKS_DIALECTS = {
    "ledger/columns.py",
    "ledger/storage/connection.py",
    "ledger/storage/dialect.py",
    "ledger/store.py",
}
DATABASES = {"sqlite", "postgresql"}
PARSERS = (".XMLParser", ".etree.fromstring", ".etree.parse", ".etree.XML")
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
RANDOM_IDS = {"uuid.uuid1", "uuid.uuid4", "os.urandom"}
CHANCE = {"random", "secrets", *RANDOM_IDS}
NAMED_TUPLES = {"_asdict", "_fields", "_make", "_replace"}
"""What every named tuple has; the underscore keeps them apart from its fields."""
DRAWS = tuple(f"{source}." for source in CHANCE)


def test_packages_keep_the_layers_and_the_pure_core_is_pure():
    """Every import-linter contract is kept (docs/architecture.md, "The packages")."""
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


def test_families_of_apis_do_not_know_each_other():
    """A family imports no other, and what they share imports none."""
    families = {path.parent.name for path in (ROOT / "api").glob("*/routes.py")}
    assert len(families) > 15
    for name, tree in TREES.items():
        package, room, *_ = Path(name).parts
        # What dry_run tries is what other families take.
        if package != "api" or room not in {*families, *SHARED} - {"dry_run"}:
            continue
        known = {origin.split(".")[1] for _, origin in imported(tree) if in_api(origin)}
        assert known & families - {room} == set(), name


def test_a_database_is_named_only_where_the_databases_differ():
    """No file but those four holds the word "sqlite" or "postgresql"."""
    named = {name for name, tree in TREES.items() if constants(tree) & DATABASES}
    assert named <= SPEAKS_DIALECTS


def test_xml_is_parsed_in_one_place():
    """``XMLParser`` is made, and lxml asked to parse, in ledger/forms/xml.py alone."""
    parsing = {
        name
        for name, tree in TREES.items()
        if any(f".{called}".endswith(PARSERS) for called in calls(tree))
    }
    assert parsing == {"ledger/forms/xml.py"}


def test_the_clock_is_read_in_one_place():
    """No ``datetime.now`` and its like outside ledger/clock.py (law 2)."""
    assert users_of(CLOCKS) == {"ledger/clock.py"}


def test_random_ids_are_made_in_one_place():
    """No ``uuid4`` and no ``urandom`` outside ledger/ids.py."""
    assert users_of(RANDOM_IDS) == {"ledger/ids.py"}


def test_what_is_replayed_leaves_nothing_to_chance():
    """Projections and pure modules use no randomness at all (law 2)."""
    replayed = {
        name
        for name in TREES
        if name.startswith("projections/") or in_pure_core(module(name))
    }
    chance = {
        name
        for name, tree in TREES.items()
        if any(use in CHANCE or use.startswith(DRAWS) for use in names_used(tree))
    }
    assert replayed & chance == set()
    assert chance, "where are ids made?"


def test_imports_stand_at_the_top():
    """No function imports anything: what a file needs is told by its first lines."""
    late = [
        f"{name}:{node.lineno}"
        for name, function in every_function()
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert late == []


def test_files_stay_short():
    """No file is longer than 500 lines, tests too; one that grows becomes a folder."""
    files = [ROOT / name for name in (*SOURCES, *TESTS)]
    lengths = {str(path): path.read_text().count("\n") for path in files}
    assert {n: size for n, size in lengths.items() if size > LONGEST_FILE} == {}


def test_functions_stay_short():
    """No function is longer than 60 lines, docstring included."""
    long = [
        f"{name}:{function.lineno} {function.name}"
        for name, function in every_function()
        if (function.end_lineno or 0) - function.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_a_file_says_what_lives_in_it():
    """Every module begins with a docstring."""
    assert [name for name, tree in TREES.items() if not ast.get_docstring(tree)] == []


def test_tests_know_no_private_names():
    """They ask the face that callers see; what deserves a test of its own is public."""
    reached = [
        f"{name}:{line} {word}"
        for name, tree in TESTS.items()
        for line, word in reached_names(tree)
        if word.startswith("_") and not word.endswith("__") and word not in NAMED_TUPLES
    ]
    assert reached == []


def reached_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the names that a file takes out of others: imported, read or patched.

    What it asks of ``self`` is its own, and what of ``sys``, the interpreter's.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.Attribute):
            own = dotted(node.value, {}) in {"self", "cls", "sys"}
            yield node.lineno, "" if own else node.attr
        elif isinstance(node, ast.Call):
            yield from ((node.lineno, word) for word in patched_names(node))


def patched_names(call: ast.Call) -> Iterator[str]:
    """Yield the names that a call of ``setattr`` and its like spells as texts."""
    if not dotted(call.func, {}).endswith(("setattr", "getattr", "delattr")):
        return
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield argument.value.rpartition(".")[2]


def constants(tree: ast.Module) -> set[object]:
    """Return every text and number that is written in a file."""
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


def users_of(names: set[str]) -> set[str]:
    """Return the files that use one of some names."""
    return {name for name, tree in TREES.items() if names_used(tree) & names}


def every_function() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Yield every function and method, with the file it stands in."""
    for name, tree in TREES.items():
        for function in functions(tree):
            yield name, function


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


def in_api(dotted: str) -> bool:
    """Tell whether a name is one of a room of the package ``api``."""
    return dotted.startswith("api.")


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
