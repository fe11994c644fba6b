"""The workloads of docs/bench.md by their ids.

Each is a context manager over a ``Bench`` that sets its servers up, yields what
measures one round, and checks the product's state behind the last round.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from bench.harness import Bench, Round
from bench.workloads import (
    bulk,
    edits,
    feed,
    filters,
    footprint,
    guesses,
    imports,
    long_case,
    many_domains,
    pages,
    past,
    points,
    rebuild,
    routes,
    single,
    undo,
)

Workload = Callable[[Bench], AbstractContextManager[Round]]
WORKLOADS: dict[str, Workload] = {
    "W1": single.w1,
    "W1p": single.w1_two,
    "W1m": single.w1m,
    "W1j": single.w1j,
    "W1u": single.w1u,
    "W2": bulk.w2,
    "W2p": bulk.w2_two,
    "W2u": bulk.w2u,
    "W2x": bulk.w2x,
    "W3": imports.w3,
    "W4": imports.w4,
    "W5": rebuild.w5,
    "W6": pages.w6,
    "W7": pages.w7,
    "W8": filters.w8,
    "W8b": filters.w8b,
    "W9": filters.w9,
    "W10": points.w10,
    "W11": points.w11,
    "D1": many_domains.d1,
    "I1": imports.i1,
    "R1": routes.r1,
    "H1": past.h1,
    "U1": undo.u1,
    "F1": feed.f1,
    "E1": edits.e1,
    "A1": guesses.a1,
    "G1": long_case.g1,
    "W14": footprint.w14,
    "W15": footprint.w15,
    "W16": footprint.w16,
    "KILL": footprint.kill,
}
ON_POSTGRESQL_ONLY = ("W1p", "W2p")
"""Two server processes: SQLite has exactly one that writes."""
