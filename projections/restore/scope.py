"""Whose cases a user gets on a device (``rules/restore.md`` 3). Pure.

A case is *available* unless it extends nothing that is; it is *live* if the user needs
it. Both are the least sets that their rules allow, found by following the indices once
in each direction; every live case keeps the reason that found it first.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Container, Iterable, Mapping
from enum import Enum
from typing import NamedTuple


class Node(NamedTuple):
    """A case that is not deleted: who owns it, whether it is closed, its live indices.

    ``parents`` are the targets of child indices, ``hosts`` those of extension indices.
    """

    owner_id: str
    closed: bool
    parents: Collection[str] = ()
    hosts: Collection[str] = ()


class Cause(Enum):
    """Why a case is on a device."""

    OWNED = "owned"
    PARENT = "parent of"
    HOST = "host of"
    EXTENSION = "extension of"


class Reason(NamedTuple):
    """Why a case is live, and because of which other one, unless it is owned."""

    cause: Cause
    case_id: str | None = None


OWNED = Reason(Cause.OWNED)


def live(nodes: Mapping[str, Node], owner_ids: Container[str]) -> dict[str, Reason]:
    """Return the cases of a user with the reason for each.

    ``nodes`` must hold every case that an index of the result leads to, and every open
    extension of it; edges to cases that are not there do not exist.
    """
    graph = _Graph(nodes)
    available = graph.available()
    found = {
        case_id: OWNED for case_id in available if nodes[case_id].owner_id in owner_ids
    }
    waiting = deque(found)
    while waiting:
        case_id = waiting.popleft()
        for other, cause in graph.drawn_along(case_id):
            if other not in found:
                found[other] = Reason(cause, case_id)
                waiting.append(other)
    return found


class _Graph:
    """The edges between cases, by both of their ends.

    Most cases of most users have no index at all, and then no place in here.
    """

    def __init__(self, nodes: Mapping[str, Node]) -> None:
        self._nodes = nodes
        self._parents: dict[str, list[str]] = {}
        self._hosts: dict[str, list[str]] = {}
        self._open_extensions: dict[str, list[str]] = {}
        for case_id, node in nodes.items():
            if node.parents or node.hosts:
                self._add(case_id, node)

    def _add(self, case_id: str, node: Node) -> None:
        parents = [i for i in node.parents if i in self._nodes and i != case_id]
        hosts = [
            i
            for i in node.hosts
            if i in self._nodes and i != case_id and i not in parents
        ]
        self._parents[case_id], self._hosts[case_id] = parents, hosts
        if not node.closed:
            for host in hosts:
                self._open_extensions.setdefault(host, []).append(case_id)

    def available(self) -> dict[str, None]:
        """Return the open cases that extend nothing, or something available.

        In the order of the nodes, then as they were found.
        """
        found = {
            case_id: None
            for case_id, node in self._nodes.items()
            if not node.closed
            and (not self._hosts.get(case_id) or self._parents[case_id])
        }
        waiting = deque(found)
        while waiting:
            for extension in self._open_extensions.get(waiting.popleft(), ()):
                if extension not in found:
                    found[extension] = None
                    waiting.append(extension)
        return found

    def drawn_along(self, case_id: str) -> Iterable[tuple[str, Cause]]:
        """Yield the cases that are live because one is."""
        for other in self._parents.get(case_id, ()):
            yield other, Cause.PARENT
        for other in self._hosts.get(case_id, ()):
            yield other, Cause.HOST
        for other in self._open_extensions.get(case_id, ()):
            yield other, Cause.EXTENSION
