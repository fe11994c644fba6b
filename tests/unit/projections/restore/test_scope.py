"""Whose cases a user gets: the acceptance table, and random graphs.

Numbers of rules are those of ``rules/restore.md``.
"""

from __future__ import annotations

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from projections.restore.scope import Cause, Node, Reason, live
from tests.kit.case_graphs import GRAPHS
from tests.kit.model_phone import live_cases

IDS = "abcdefgh"


def graph_of(owned: str, closed: str, child: str, extension: str) -> dict[str, Node]:
    """Return the cases of a row of the table."""
    parents = [edge.split(">") for edge in child.split()]
    hosts = [edge.split(">") for edge in extension.split()]
    names = {*owned.split(), *closed.split(), *chain(*parents, *hosts)}
    return {
        name: Node(
            owner_id="me" if name in owned.split() else "other",
            closed=name in closed.split(),
            parents=[target for source, target in parents if source == name],
            hosts=[target for source, target in hosts if source == name],
        )
        for name in sorted(names)
    }


def test_the_user_gets_what_the_table_of_graphs_says():
    """Rule 3.4: all 48 graphs that phones and servers are tested with."""
    assert len(GRAPHS) == 48
    wrong = {
        name: found
        for name, owned, closed, child, extension, expected in GRAPHS
        if (found := set(live(graph_of(owned, closed, child, extension), {"me"})))
        != set(expected.split())
    }
    assert wrong == {}


def test_every_case_says_why_it_is_there():
    """The first reason that was found: owned before all others."""
    nodes = graph_of("visit claim", "house", "visit>patient patient>house", "claim>far")
    assert live(nodes, {"me"}) == {
        "visit": Reason(Cause.OWNED),
        "patient": Reason(Cause.PARENT, "visit"),
        "house": Reason(Cause.PARENT, "patient"),
        "claim": Reason(Cause.OWNED),
        "far": Reason(Cause.HOST, "claim"),
    }
    nodes = graph_of("host", "", "", "part>host")
    assert live(nodes, {"me"})["part"] == Reason(Cause.EXTENSION, "host")


def test_an_edge_to_no_case_or_to_itself_is_none():
    """A case that extends only what is not there extends nothing."""
    nodes = {"a": Node("me", closed=False, hosts=["gone", "a"])}
    assert live(nodes, {"me"}) == {"a": Reason(Cause.OWNED)}


def test_of_two_indices_to_one_case_the_child_counts():
    """Rule D-i: an extension of a closed case would not be there."""
    both = {
        "a": Node("other", closed=True),
        "b": Node("me", closed=False, parents=["a"], hosts=["a"]),
    }
    assert set(live(both, {"me"})) == {"a", "b"}


@st.composite
def graphs(draw) -> dict[str, Node]:
    """Any cases with any edges: cycles, edges to nowhere and to oneself too."""
    names = draw(st.lists(st.sampled_from(IDS), unique=True))
    targets = st.lists(st.sampled_from(IDS), max_size=2, unique=True)
    owners = st.sampled_from(["me", "group", "other"])
    return {
        name: Node(draw(owners), draw(st.booleans()), draw(targets), draw(targets))
        for name in names
    }


@given(graphs())
def test_it_is_what_trying_until_nothing_is_new_finds(nodes):
    """The two least sets, evaluated naively."""
    naive = {
        name: {
            "owner": node.owner_id,
            "closed": node.closed,
            "parents": node.parents,
            "hosts": node.hosts,
        }
        for name, node in nodes.items()
    }
    assert set(live(nodes, {"me", "group"})) == live_cases(naive, {"me", "group"})
