"""Laws of CSQL and of list requests (rules/case-api-v2.md 6.2, 6.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from hypothesis import example, given
from hypothesis import strategies as st

from api.cases.query import decode_cursor, encode_cursor, parse_list_query
from ledger.cases.case import Case, CaseIndex
from ledger.errors import Conflict
from projections.csql import Node, QueryError, matches, parse
from projections.csql.conditions import COMPARE
from projections.csql.likeness import within_edits
from projections.csql.nodes import (
    AncestorExists,
    And,
    Comparator,
    CompareDay,
    CompareNumber,
    Constant,
    Equals,
    Not,
    Or,
    SelectedAny,
    StartsWith,
    SubcaseCount,
)
from projections.lists.filter import CaseFilter
from projections.lists.narrow import narrowed
from projections.rule.case_row import CaseRow, to_case, to_row

NOW = "2024-02-29T12:34:56.789012Z"
IDS = ("c0", "c1", "c2", "c3")
VALUES = st.sampled_from(["", "1", "2", "2020-01-01", "c1"])
INDEX = st.sampled_from(["parent", "host"])
NAMES = (
    "p",
    "name",
    "case_name",
    "external_id",
    "@case_id",
    "@case_type",
    "@owner_id",
    "@status",
    "date_opened",
)

# -- cases that point at each other ----------------------------------------------------


@st.composite
def cases(draw: st.DrawFn, case_id: str) -> CaseRow:
    """Draw a case; every field can be equal to every other one's."""
    properties = draw(st.dictionaries(st.sampled_from(["p", "name"]), VALUES))
    targets = draw(st.dictionaries(INDEX, st.sampled_from([*IDS, "lost"])))
    return to_row(
        Case(
            domain="d",
            case_id=case_id,
            case_type=draw(VALUES),
            case_name=draw(VALUES),
            external_id=draw(st.none() | VALUES),
            owner_id=draw(VALUES),
            closed=draw(st.booleans()),
            opened_on="2020-01-01T00:00:00.000000Z",
            properties=properties,
            indices={
                name: CaseIndex(case_id=target, case_type="t", relationship="child")
                for name, target in targets.items()
            },
        )
    )


POPULATIONS = st.tuples(*(cases(case_id) for case_id in IDS))


class Population:
    """Relations of a few cases."""

    def __init__(self, rows: Sequence[CaseRow]) -> None:
        """Keep the cases that exist."""
        self.by_id = {row.case_id: to_case(row) for row in rows}
        self.rows = {row.case_id: row for row in rows}

    def cases(self, ids: Sequence[str]) -> Mapping[str, CaseRow]:
        """Return the cases with these ids."""
        return {id_: self.rows[id_] for id_ in ids if id_ in self.rows}

    def children(
        self, ids: Sequence[str], index_name: str
    ) -> Mapping[str, Sequence[CaseRow]]:
        """Return by id the cases that point at it."""
        return {id_: self.children_of(id_, index_name) for id_ in ids}

    def children_of(self, case_id: str, index_name: str) -> list[CaseRow]:
        """Return the cases that point at one."""
        return [
            self.rows[case.case_id]
            for case in self.by_id.values()
            if (index := case.live_indices.get(index_name)) and index.case_id == case_id
        ]

    def above(self, row: CaseRow, path: tuple[str, ...]) -> CaseRow | None:
        """Return the case at the end of a path of indices."""
        index = to_case(row).live_indices.get(path[0])
        target = self.rows.get(index.case_id) if index else None
        return self.above(target, path[1:]) if target and path[1:] else target


# -- expressions -----------------------------------------------------------------------

LEAVES = st.one_of(
    st.builds(Equals, name=st.sampled_from(NAMES), value=VALUES | st.just("open")),
    st.builds(SelectedAny, name=st.just("p"), words=st.just(("1", "x"))),
    st.builds(StartsWith, name=st.just("name"), prefix=VALUES),
    st.builds(
        CompareNumber,
        name=st.just("p"),
        comparator=st.sampled_from(Comparator),
        bound=st.just(1.0),
    ),
    st.builds(
        CompareDay,
        name=st.sampled_from(["p", "date_opened"]),
        comparator=st.sampled_from(Comparator),
        bound=st.just(date(2020, 1, 1)),
    ),
    st.builds(Constant, value=st.booleans()),
)


def _branches(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(nodes, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, parts=parts),
        st.builds(Or, parts=parts),
        st.builds(Not, part=nodes),
        st.builds(
            AncestorExists,
            path=st.lists(INDEX, min_size=1, max_size=2).map(tuple),
            condition=nodes,
        ),
        st.builds(
            SubcaseCount,
            index=INDEX,
            condition=nodes,
            comparator=st.sampled_from(Comparator),
            count=st.integers(0, 2),
        ),
    )


NODES = st.recursive(LEAVES, _branches, max_leaves=8)


def holds(node: Node, row: CaseRow, population: Population) -> bool:
    """Judge one case as plainly as the words of rule 6.3 say."""
    match node:
        case And():
            return all(holds(part, row, population) for part in node.parts)
        case Or():
            return any(holds(part, row, population) for part in node.parts)
        case Not():
            return not holds(node.part, row, population)
        case AncestorExists():
            above = population.above(row, node.path)
            return above is not None and holds(node.condition, above, population)
        case SubcaseCount():
            children = population.children_of(row.case_id, node.index)
            found = sum(holds(node.condition, child, population) for child in children)
            return COMPARE[node.comparator](found, node.count)
    return matches(node, [row], population) == [True]


@given(node=NODES, rows=POPULATIONS)
def test_judging_together_is_judging_one_by_one(node, rows):
    """Rule 6.3: and, or, not and relations mean what Python's own logic says."""
    population = Population(rows)
    expected = [holds(node, row, population) for row in rows]
    assert matches(node, rows, population) == expected


# -- a filter is sound -----------------------------------------------------------------


def satisfies(row: CaseRow, asked: CaseFilter) -> bool:
    """Tell whether a case satisfies a filter, as ``lists/filter.py`` says."""
    case = to_case(row)
    return (
        all(getattr(case, name) in values for name, values in asked.equals.items())
        and (not asked.closed or case.closed in asked.closed)
        and all(
            case.properties.get(name, "") in values
            for name, values in asked.properties.items()
        )
        and all(
            name in case.live_indices and case.live_indices[name].case_id in values
            for name, values in asked.indices.items()
        )
    )


FILTERS = st.builds(
    CaseFilter,
    equals=st.dictionaries(
        st.sampled_from(["case_type", "case_name", "external_id"]),
        st.lists(VALUES, max_size=2).map(tuple),
    ),
    closed=st.sampled_from([(), (True,), (False,)]),
    properties=st.dictionaries(st.just("p"), st.lists(VALUES, max_size=2).map(tuple)),
)


@given(node=NODES, rows=POPULATIONS, asked=FILTERS)
def test_a_narrowed_filter_loses_no_match(node, rows, asked):
    """Rule 6.3: what query and filter match, the narrowed filter matches too."""
    narrow = narrowed(
        CaseFilter(
            equals=asked.equals,
            closed=asked.closed,
            properties=asked.properties,
            query=node,
        )
    )
    for row, good in zip(rows, matches(node, rows, Population(rows)), strict=True):
        if good:
            assert satisfies(row, narrow) == satisfies(row, asked)


# -- texts -----------------------------------------------------------------------------


def written(node: Node) -> str:
    """Write the connectives of a tree with as few parentheses as they need."""
    match node:
        case Or():
            return " or ".join(map(_in_chain, node.parts))
        case And():
            return " and ".join(
                f"({written(part)})" if isinstance(part, Or) else _in_chain(part)
                for part in node.parts
            )
        case Not():
            return f"not({written(node.part)})"
        case Constant():
            return "match-all()" if node.value else "match-none()"
    assert isinstance(node, Equals)
    return f"{node.name}='{node.value}'"


def _in_chain(part: Node) -> str:
    """Write a part so that a chain inside a chain stays a part."""
    return f"({written(part)})" if isinstance(part, And | Or) else written(part)


def _connectives(nodes: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    parts = st.lists(nodes, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(And, parts=parts),
        st.builds(Or, parts=parts),
        st.builds(Not, part=nodes),
    )


WRITABLE = st.recursive(
    st.builds(Equals, name=st.sampled_from(["p", "name", "or"]), value=VALUES)
    | st.builds(Constant, value=st.booleans()),
    _connectives,
)


@given(node=WRITABLE)
def test_what_is_written_is_read_back(node):
    """Rule 6.3: operators and parentheses."""
    assert parse(written(node), now=NOW) == node


FRAGMENTS = (
    "p parent / @status = != < >= ( ) , and or not( 'a' '2020-01-01' 3 - "
    "selected( date( today() subcase-count('parent', ancestor-exists( "
    "within-distance( match-all() ~ ' \" \0 😀"
)
WORDS = st.sampled_from(FRAGMENTS.split())


@given(text=st.text() | st.lists(WORDS, max_size=30).map(" ".join))
@example("(" * 100_000)
@example("not(" * 100_000)
@example("a/" * 100_000)
@example("p = 'a' or " * 10_000 + "p")
def test_parser_never_raises_anything_else(text):
    """Rules 5.7 and 6.3: a query is understood or refused, whatever it is."""
    try:
        node = parse(text, now=NOW)
    except QueryError as error:
        assert error.text  # noqa: PT017 - either outcome is right
    else:
        assert matches(node, [], Population([])) == []


PAIRS = st.lists(st.tuples(st.text(), st.text()))


@given(pairs=PAIRS, after=st.integers(0, (1 << 63) - 1))
def test_cursors_round_trip(pairs, after):
    """Rule 6.2: a cursor carries all parameters and the position."""
    cursor = encode_cursor(pairs, after=after)
    assert decode_cursor(cursor) == (tuple(pairs), after)


PARAMETERS = st.sampled_from(
    [
        "case_type",
        "closed",
        "limit",
        "query",
        "cursor",
        "fields.x",
        "properties.p",
        "properties.@status",
        "indices.parent",
        "date_opened.lte",
        "date_closed.foo",
    ]
)


@given(
    pairs=st.lists(
        st.tuples(
            PARAMETERS | st.text(),
            st.text(st.characters())
            | st.text("0123456789-:T Z+.")
            | st.sampled_from(["1", "2020-01-01", "open", "p = 1"]),
        ),
        max_size=4,
    )
)
def test_a_list_request_is_read_or_refused(pairs):
    """Rule 5.7: any query string gives a request or a text that can be sent."""
    try:
        request = parse_list_query(pairs, now=NOW)
    except Conflict as error:
        assert error.text.encode()  # noqa: PT017 - either outcome is right
    else:
        again = parse_list_query([("cursor", request.cursor(1))], now=NOW)
        assert again.filter == request.filter
        assert again.page.limit == request.page.limit


def edits(one: str, other: str) -> int:
    """Return the edit distance with swaps of neighbours, the slow and plain way."""
    table = [[i + j for j in range(len(other) + 1)] for i in range(len(one) + 1)]
    for i in range(1, len(one) + 1):
        for j in range(1, len(other) + 1):
            table[i][j] = min(
                table[i - 1][j] + 1,
                table[i][j - 1] + 1,
                table[i - 1][j - 1] + (one[i - 1] != other[j - 1]),
            )
            if i > 1 and j > 1 and one[i - 2 : i] == other[j - 2 : j][::-1]:
                table[i][j] = min(table[i][j], table[i - 2][j - 2] + 1)
    return table[-1][-1]


@given(one=st.text("abc", max_size=8), other=st.text("abc", max_size=8))
@example(one="ab", other="ba")
@example(one="cab", other="cba")
def test_the_band_sees_every_small_distance(one, other):
    """Rule 6.3.5: the edit distance of ``fuzzy-match``."""
    for limit in range(3):
        assert within_edits(one, other, limit) == (edits(one, other) <= limit)
