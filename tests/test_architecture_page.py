"""docs/architecture.md shows the rooms that there are, and walks to follow."""

from __future__ import annotations

import re
from functools import reduce
from importlib import import_module
from pathlib import Path

import pytest

from tests.kit.pages import PAGES, ROOT

PACKAGES = ("ledger", "projections", "importers", "api")
PAGE = PAGES["docs/architecture.md"].read_text()
STEP = re.compile(r"`(\w+(?:/\w+)*\.py) ([\w.]+)`")
WALKS = {
    walk.splitlines()[0]: STEP.findall(walk)
    for walk in PAGE.split("\n## Three walks\n")[1]
    .split("\n## ")[0]
    .split("\n### ")[1:]
}


def test_there_are_three_walks():
    """The heading keeps its word."""
    assert len(WALKS) == 3


@pytest.mark.parametrize("walk", WALKS)
def test_every_step_of_a_walk_is_a_function(walk):
    """A file of the program, and something in it that can be called."""
    assert len(WALKS[walk]) > 6
    for path, name in WALKS[walk]:
        module = import_module(path.removesuffix(".py").replace("/", "."))
        found = reduce(getattr, name.split("."), module)
        assert callable(found), f"{path} {name}"
        assert found.__module__ == module.__name__, f"{path} {name}"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_table_of_rooms_is_that_of_the_folders(package):
    """Every room of a package has a row, and every room and file of a row exists."""
    shown = names_in_table(package)
    rooms = {f"{path.parent.name}/" for path in (ROOT / package).glob("*/__init__.py")}
    roots = {path.name for path in (ROOT / package).glob("*.py")} - {"__init__.py"}
    assert (rooms | roots) - shown == set()
    assert {name for name in shown if not (ROOT / package / name).exists()} == set()


def names_in_table(package: str) -> set[str]:
    """Return what the first column of a package's table names."""
    table = PAGE.split(f"\n| in `{package}/` |")[1].split("\n\n")[0]
    rows = [row for row in table.splitlines()[2:] if row.startswith("| ")]
    return {
        name for row in rows for name in re.findall(r"`([^`]+)`", row.split("|")[1])
    }


def test_the_walks_are_in_a_language_that_the_reader_knows():
    """Each file that a walk enters stands in a room of the tables."""
    entered = {path for steps in WALKS.values() for path, _ in steps}
    for path in entered:
        package, *rest = Path(path).parts
        room = f"{rest[0]}/" if len(rest) > 1 else rest[0]
        assert room in names_in_table(package), path
