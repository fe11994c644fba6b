"""From a path to the row of a table of paths that it fits. Pure.

The paths of the table become a tree of segments, so that finding a row costs as many
steps as the path has segments, whether there are sixty rows or six hundred. Slashes
that are doubled count as one, and those at the end as none, but for what is taken by a
placeholder of ``TAILS``. If several rows fit, the first one of the table counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product

from api.wire.route import PLACEHOLDER, SHAPES, SPELLINGS, TAILS


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where a path of the table ends, in one of its spellings.

    ``row`` is its place in the table, ``places`` tells which segment each placeholder
    is, ``spelled`` has those that only stand for a spelling. ``tail`` takes what is
    behind ``depth`` segments.
    """

    row: int
    places: tuple[tuple[str, int], ...]
    spelled: dict[str, str]
    tail: str
    depth: int

    def values(self, path: str, segments: Sequence[str]) -> dict[str, str]:
        """Return what stands at each placeholder of a path that ends here."""
        found = self.spelled.copy()
        for name, at in self.places:
            found[name] = segments[at]
        if self.tail:
            found[self.tail] = behind(path, self.depth)
        return found

    def value(self, path: str, name: str) -> str:
        """Return what stands at one placeholder; raises ``KeyError``."""
        if name == self.tail:
            return behind(path, self.depth)
        return segments_of(path)[dict(self.places)[name]]


@dataclass(slots=True)
class Node:
    """A place in the tree: what may follow, and what ends here."""

    literals: dict[str, Node] = field(default_factory=dict)
    shaped: dict[str, Node] = field(default_factory=dict)
    tests: list[tuple[Callable[[str], object], Node]] = field(default_factory=list)
    any: Node | None = None
    leaf: Leaf | None = None
    tail: Leaf | None = None

    def child(self, segment: str) -> Node:
        """Return the place behind a segment of the table, made when it is new."""
        name = _placeholder(segment)
        if name is None:
            return self.literals.setdefault(segment, Node())
        shape = SHAPES.get(name)
        if shape is None:
            self.any = self.any or Node()
            return self.any
        if shape not in self.shaped:
            self.shaped[shape] = Node()
            self.tests.append((re.compile(shape).fullmatch, self.shaped[shape]))
        return self.shaped[shape]

    def gather(
        self, path: str, segments: Sequence[str], at: int, found: list[Leaf]
    ) -> None:
        """Add every end that a path may come to from here."""
        if at == len(segments):
            if self.leaf is not None:
                found.append(self.leaf)
            return
        if self.tail is not None and _takes(self.tail, behind(path, at)):
            found.append(self.tail)
        segment = segments[at]
        literal = self.literals.get(segment)
        if literal is not None:
            literal.gather(path, segments, at + 1, found)
        if self.any is not None:
            self.any.gather(path, segments, at + 1, found)
        for fits, child in self.tests:
            if fits(segment):
                child.gather(path, segments, at + 1, found)


@lru_cache(maxsize=8)
def tree_of(paths: tuple[str, ...]) -> Node:
    """Return the tree of a table; raises ``ValueError`` for a row that nothing fits.

    A tree is only read once it is there, so a table that comes again has the same one.
    """
    root = Node()
    for row, path in enumerate(paths):
        for spelled, values in _spellings(path):
            _plant(root, segments_of(spelled), row=row, spelled=values)
    return root


def find(root: Node, path: str, segments: Sequence[str]) -> Leaf | None:
    """Return where a path ends; ``segments`` are its own."""
    found: list[Leaf] = []
    root.gather(path, segments, 0, found)
    if len(found) > 1:
        return min(found, key=lambda leaf: leaf.row)
    return found[0] if found else None


def segments_of(path: str) -> list[str]:
    """Return the segments of a path; empty ones do not count."""
    return [segment for segment in path.split("/") if segment]


def behind(path: str, depth: int) -> str:
    """Return what stands behind some segments and the one slash that ends them."""
    found = _leading(depth).match(path)
    return path[found.end() :] if found is not None else ""


@lru_cache
def _leading(depth: int) -> re.Pattern[str]:
    return re.compile(rf"(?:/+[^/]+){{{depth}}}/")


def _spellings(path: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield a path of the table in each of its spellings, and what is spelled how."""
    names = [name for name in PLACEHOLDER.findall(path) if name in SPELLINGS]
    for chosen in product(*(SPELLINGS[name] for name in names)):
        values = dict(zip(names, chosen, strict=True))
        spelled = path
        for name, value in values.items():
            spelled = spelled.replace(f"{{{name}}}", value)
        yield spelled, values


def _plant(
    root: Node, segments: Sequence[str], *, row: int, spelled: dict[str, str]
) -> None:
    names = [_placeholder(segment) or "" for segment in segments]
    tail = names[-1] if names and names[-1] in TAILS else ""
    depth = len(segments) - bool(tail)
    places = tuple((n, at) for at, n in enumerate(names[:depth]) if n)
    if any(name in TAILS for name, _ in places):
        raise ValueError(f"nothing can stand behind a placeholder of {TAILS}")
    leaf = Leaf(row, places, spelled, tail, depth)
    node = root
    for segment in segments[:depth]:
        node = node.child(segment)
    if (node.tail if tail else node.leaf) is not None:
        raise ValueError(f"an earlier row fits all that fits /{'/'.join(segments)}")
    if tail:
        node.tail = leaf
    else:
        node.leaf = leaf


def _placeholder(segment: str) -> str | None:
    found = PLACEHOLDER.fullmatch(segment)
    return None if found is None else found[1]


def _takes(leaf: Leaf, rest: str) -> bool:
    return re.fullmatch(TAILS[leaf.tail], rest) is not None
