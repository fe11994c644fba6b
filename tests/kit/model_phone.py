"""A naive phone, and which cases it should hold: straight from the rules.

It knows nothing of the product's code. A graph is a dict of case ids to dicts with
``owner``, ``closed``, ``parents`` and ``hosts``.
"""

from __future__ import annotations

from hashlib import md5
from typing import Any

Graph = dict[str, dict[str, Any]]


def edges(graph: Graph, case_id: str) -> tuple[set[str], set[str]]:
    """Return the parents and the hosts of a case that are there."""
    case = graph[case_id]
    parents = {p for p in case["parents"] if p in graph and p != case_id}
    hosts = {h for h in case["hosts"] if h in graph and h != case_id}
    return parents, hosts - parents


def available_cases(graph: Graph) -> set[str]:
    """Return the least set of available cases, by trying until nothing is new."""
    found: set[str] = set()
    while True:
        new = set()
        for case_id, case in graph.items():
            parents, hosts = edges(graph, case_id)
            is_extension = bool(hosts) and not parents
            if not case["closed"] and (not is_extension or hosts & found):
                new.add(case_id)
        if new == found:
            return found
        found = new


def live_cases(graph: Graph, owners: set[str]) -> set[str]:
    """Return the least set of live cases, by trying until nothing is new."""
    available = available_cases(graph)
    found: set[str] = set()
    while True:
        new = {
            i for i, c in graph.items() if c["owner"] in owners and i in available
        } | found
        for case_id, case in graph.items():
            parents, hosts = edges(graph, case_id)
            if case_id in found:
                new |= parents | hosts
            if not case["closed"] and hosts & found:
                new.add(case_id)
        if new == found:
            return found
        found = new


def phone_hash(case_ids: set[str]) -> str:
    """Return the hash of the cases on a phone."""
    total = bytes(16)
    for case_id in case_ids:
        digest = md5(case_id.encode(), usedforsecurity=False).digest()
        total = bytes(a ^ b for a, b in zip(total, digest, strict=True))
    return total.hex() if case_ids else ""
