"""What CSQL means for cases (rules/case-api-v2.md 6.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from ledger.cases.case import Case, CaseIndex
from projections.csql import matches, parse
from projections.csql.conditions import value_test
from projections.csql.likeness import soundex
from projections.rule.case_row import SeenCase, seen, to_row

NOW = "2024-02-29T12:34:56.789012Z"


def a_row(case_id: str = "c", **fields) -> SeenCase:
    """Return a case; ``p`` is short for its one property, ``parent`` for its index."""
    properties = fields.pop("properties", {})
    if "p" in fields:
        properties = {**properties, "p": fields.pop("p")}
    indices = {
        name: CaseIndex(case_id=target, case_type="t", relationship="child")
        for name, target in fields.pop("indices", {}).items()
    }
    times = {"opened_on": "2020-01-19T12:00:00.000000Z"} | fields
    return seen(
        to_row(
            Case(
                domain="d",
                case_id=case_id,
                properties=properties,
                indices=indices,
                **times,
            )
        )
    )


def valued(values: Sequence[str]) -> list[SeenCase]:
    """Return a case for each value of ``p``."""
    return [a_row(f"c{n}", p=value) for n, value in enumerate(values)]


class Family:
    """Relations among given cases; remembers what it was asked."""

    def __init__(self, *rows: SeenCase) -> None:
        """Keep the cases that exist."""
        self.by_id = {row.case_id: row for row in rows}
        self.asked: list[tuple[str, ...]] = []

    def cases(self, ids: Sequence[str]) -> Mapping[str, SeenCase]:
        """Return the cases with these ids."""
        self.asked.append(("cases", *ids))
        return {id_: self.by_id[id_] for id_ in ids if id_ in self.by_id}

    def children(
        self, ids: Sequence[str], index_name: str
    ) -> Mapping[str, Sequence[SeenCase]]:
        """Return by id the cases that point at it."""
        self.asked.append(("children", index_name, *ids))
        found: dict[str, list[SeenCase]] = {}
        for row in self.by_id.values():
            marker = f'"{index_name}":{{"case_id":"'
            if marker in row.indices:
                target = row.indices.split(marker)[1].split('"')[0]
                if target in ids:
                    found.setdefault(target, []).append(row)
        return found


def judged(text: str, *rows: SeenCase, family: Family | None = None) -> list[bool]:
    return matches(parse(text, now=NOW), rows, family or Family())


def holds(text: str, row: SeenCase) -> bool:
    return judged(text, row) == [True]


def test_equality_is_exact():
    """Rule 6.3.2: ``p = 'v'`` is the whole value, case-sensitive, blanks count."""
    values = ["v", "V", "v ", "vv", ""]
    rows = valued(values)
    assert judged("p = 'v'", *rows) == [True, False, False, False, False]
    assert judged("p != 'v'", *rows, a_row("none")) == [
        False,
        True,
        True,
        True,
        True,
        True,
    ]


def test_the_empty_value_means_not_set_or_empty():
    """Rule 6.3.2: ``p = ''`` and ``p != ''``."""
    rows = [*valued(["v", ""]), a_row("none")]
    assert judged("p = ''", *rows) == [False, True, True]
    assert judged("p != ''", *rows) == [True, False, False]


def test_a_number_on_the_right_of_equality_is_its_text():
    """Rule 6.3.2: equality is of texts, also with a number."""
    assert judged("p = 5", *valued(["5", "5.0"])) == [True, False]


def test_numbers_compare_as_numbers():
    """Rule 6.3.2: values that do not convert never match."""
    values = ["3", "3.5", "10", "-4", "1e3", "", "many", "2020-01-01", "nan", "inf"]
    rows = valued(values)
    greater = [False, True, True, False, True, False, False, False, False, False]
    assert judged("p > 3", *rows) == greater
    assert judged("p >= 3 and p <= 3", *rows) == [True] + [False] * 9
    assert judged("p < 3", *rows) == [False] * 3 + [True] + [False] * 6
    assert judged("p > 3", a_row()) == [False]


def test_dates_compare_by_day():
    """Rule 6.3.2: a date-time counts by its UTC day."""
    values = [
        "2020-01-30",
        "2020-01-31",
        "2020-01-31T23:59:59Z",
        "2020-01-31T23:00:00-05:00",
        "2020-02-01",
        "31",
        "soon",
        "2020",
        "",
    ]
    rows = valued(values)
    assert judged("p <= '2020-01-31'", *rows) == [True] * 3 + [False] * 6
    assert judged("p > '2020-01-31'", *rows) == [False] * 3 + [True] * 2 + [False] * 4
    assert judged("p < '2020-01-31'", *rows) == [True] + [False] * 8
    assert judged("p >= '2020-01-31'", *rows) == ([False] + [True] * 4 + [False] * 4)


def test_date_times_compare_by_instant():
    """Rule 6.3.2: with a date-time on the right a bare date is its midnight."""
    rows = valued(["2020-01-31", "2020-01-31T12:00:00+02:00"])
    assert judged("p >= '2020-01-31T10:00:00Z'", *rows) == [False, True]
    assert judged("p <= '2020-01-31T00:00:00Z'", *rows) == [True, False]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name = 'Ada'", True),
        ("case_name = 'Ada'", True),
        ("name = 'hidden'", False),
        ("external_id = 'x1'", True),
        ("@case_id = 'c'", True),
        ("@case_type = 'patient'", True),
        ("@owner_id = 'o'", True),
        ("@status = 'open'", True),
        ("@status = 'closed'", False),
        ("@status != 'closed'", True),
        ("@nothing = ''", True),
        ("date_opened = '2020-01-19'", True),
        ("date_opened = '2020-01-19T12:00:00Z'", True),
        ("date_opened = '2020-01-19T14:00:00+02:00'", True),
        ("date_opened = '2020-01-20'", False),
        ("date_opened > '2020-01-19'", False),
        ("date_opened >= '2020-01-19'", True),
        ("date_opened < '2020-01-19T12:00:00.000001Z'", True),
        ("last_modified > '2020-12-31'", True),
        ("closed_on = ''", True),
        ("closed_on != '2020-01-01'", True),
        ("closed_on < '2030-01-01'", False),
    ],
)
def test_pseudo_properties_hide_user_properties(text, expected):
    """Rule 6.3.3: whatever a user property is called."""
    row = a_row(
        case_name="Ada",
        external_id="x1",
        case_type="patient",
        owner_id="o",
        modified_on="2021-01-01T00:00:00.000000Z",
        properties={"name": "hidden", "closed_on": "2020-01-01", "@owner_id": "no"},
    )
    assert holds(text, row) is expected


def test_a_closed_case_has_its_status_and_time():
    """Rule 6.3.3: ``@status`` and ``closed_on``."""
    row = a_row(closed=True, closed_on="2020-02-01T08:00:00.000000Z")
    assert holds("@status = 'closed' and closed_on = '2020-02-01'", row)


def test_an_absent_external_id_is_empty():
    """Rule 6.3.3: ``p = ''`` for a pseudo-property."""
    assert holds("external_id = ''", a_row())


def test_selected_looks_for_whole_words():
    """Rule 6.3.5: ``selected``, ``selected-any``, ``selected-all``."""
    rows = valued(["a", "b a", "ab", "x b  y a", "A", ""])
    some = [True, True, False, True, False, False]
    assert judged("selected(p, 'a b')", *rows) == some
    assert judged("selected-any(p, 'a b')", *rows) == some
    assert judged("selected-all(p, 'a b')", *rows) == [
        False,
        True,
        False,
        True,
        False,
        False,
    ]
    assert judged("selected(p, '')", *rows) == [False] * 6


def test_starts_with_is_case_sensitive():
    """Rule 6.3.5: ``starts-with``."""
    rows = valued(["xy", "x", "Xy", "yx", ""])
    assert judged("starts-with(p, 'x')", *rows) == [True, True, False, False, False]


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        ("Sara", "Sara", True),
        ("sarah", "Sara", True),
        ("Sraa", "Sara", False),
        ("Saar", "Sara", True),
        ("Bara", "Sara", False),
        ("Elizabth", "Elizabeth", True),
        ("Elzbth", "Elizabeth", False),
        ("Elizabteh", "Elizabeth", True),
        ("ab", "ab", True),
        ("abc", "ab", False),
        ("Sara Connor", "Sarah", True),
        ("", "Sara", False),
        ("", "", True),
    ],
)
def test_fuzzy_match_forgives_few_errors(value, wanted, expected):
    """Rule 6.3.5: same first characters and a small edit distance."""
    assert holds(f"fuzzy-match(p, '{wanted}')", a_row(p=value)) is expected


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Robert", "R163"),
        ("Rupert", "R163"),
        ("Rubin", "R150"),
        ("Ashcraft", "A261"),
        ("Tymczak", "T522"),
        ("Pfister", "P236"),
        ("Honeyman", "H555"),
        ("Lee", "L000"),
        ("José", "J200"),
        ("名", "名"),
        ("12", "12"),
    ],
)
def test_soundex_is_the_american_one(word, code):
    """Rule 6.3.5: Soundex-like."""
    assert soundex(word) == code


def test_phonetic_match_compares_words_by_sound():
    """Rule 6.3.5: ``phonetic-match``."""
    rows = valued(["Rupert", "rubin", "Mr Rupert", "", "名"])
    assert judged("phonetic-match(p, 'Robert')", *rows) == [
        True,
        False,
        True,
        False,
        False,
    ]


def test_within_distance_measures_on_the_globe():
    """Rule 6.3.5: values are ``lat lon alt accuracy``."""
    boston, cambridge = "42.3601 -71.0589 0 0", "42.3736 -71.1097"
    values = [boston, cambridge, "", "x y", "42.36", "1 2 3 4 5", "42.36 -71.1 x 0"]
    rows = valued(values)
    near = "within-distance(p, '42.3601 -71.0589', {}, '{}')"
    assert judged(near.format(5, "kilometers"), *rows) == [True] * 2 + [False] * 5
    assert judged(near.format(2, "miles"), *rows) == [True] + [False] * 6
    assert judged(near.format(0, "meters"), *rows) == [True] + [False] * 6


def test_a_degree_of_latitude_is_sixty_nautical_miles():
    """Rule 6.3.5: the units of ``within-distance``."""
    row = a_row(p="1 0 0 0")
    assert holds("within-distance(p, '0 0', 60.1, 'nauticalmiles')", row)
    assert not holds("within-distance(p, '0 0', 60, 'nauticalmiles')", row)


def test_constants_and_negation():
    """Rules 6.3.1 and 6.3.5: ``match-all``, ``match-none``, ``not``."""
    rows = [a_row("a"), a_row("b")]
    assert judged("match-all()", *rows) == [True, True]
    assert judged("match-none()", *rows) == [False, False]
    assert judged("not(match-none())", *rows) == [True, True]
    assert judged("p > 1 or match-all()") == []


def test_today_is_the_callers():
    """Rule 6.3.1: ``today()``."""
    rows = valued(["2024-02-28", "2024-02-29"])
    assert judged("p < today()", *rows) == [True, False]


@pytest.fixture
def family() -> Family:
    """Make a grandmother, two mothers and three daughters, one of whom has none."""
    return Family(
        a_row("gran", p="g", case_type="mother"),
        a_row("mum", p="m", indices={"parent": "gran"}),
        a_row("aunt", p="x", indices={"parent": "gran"}),
        a_row("ann", p="1", indices={"parent": "mum"}),
        a_row("bea", p="2", indices={"parent": "mum", "host": "aunt"}),
        a_row("cat", p="3", indices={"parent": "lost"}),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("parent/p = 'm'", "ann bea"),
        ("parent/p != 'm'", "mum aunt"),
        ("not(parent/p = 'm')", "gran mum aunt cat"),
        ("parent/parent/p = 'g'", "ann bea"),
        ("host/parent/@case_type = 'mother'", "bea"),
        ("parent/@case_id = 'gran'", "mum aunt"),
        ("ancestor-exists(parent/parent, p = 'g' and @case_id = 'gran')", "ann bea"),
        ("ancestor-exists(parent, match-all())", "mum aunt ann bea"),
        ("subcase-exists('parent', p = '1')", "mum"),
        ("subcase-exists('parent', parent/p = 'g')", "gran"),
        ("subcase-exists('host', match-all())", "aunt"),
        ("subcase-count('parent', match-all()) = 0", "aunt ann bea cat"),
        ("subcase-count('parent', match-all()) > 1", "gran mum"),
        ("subcase-count('parent', p > 1) = 1", "mum"),
        ("subcase-count('parent', p > 1) != 1", "gran aunt ann bea cat"),
        (
            "subcase-exists('parent', subcase-exists('parent', p = '2'))",
            "gran",
        ),
        ("ancestor-exists(parent, subcase-count('parent', p > 0) = 2)", "ann bea"),
    ],
)
def test_other_cases_are_asked(family, text, expected):
    """Rule 6.3.4: paths, ``ancestor-exists``, ``subcase-exists``, ``subcase-count``."""
    rows = list(family.by_id.values())
    verdicts = judged(text, *rows, family=family)
    found = [row.case_id for row, good in zip(rows, verdicts, strict=True) if good]
    assert found == expected.split()


def test_other_cases_are_fetched_in_batches_and_once(family):
    """Rule 6.3.4: one question for each step, whatever the number of cases."""
    rows = [family.by_id[id_] for id_ in ("ann", "bea", "cat", "mum")]
    judged("parent/p = 'm' or parent/p = 'g'", *rows, family=family)
    assert family.asked == [("cases", "gran", "lost", "mum")]
    family.asked.clear()
    judged(
        "subcase-count('parent', p = '1') > 0 or subcase-exists('parent', p = '2')",
        *rows,
        family=family,
    )
    assert family.asked == [("children", "parent", "ann", "bea", "cat", "mum")]


def test_only_cases_still_open_are_asked_about(family):
    """Rule 6.3.4: conditions on the case itself are judged before those on others."""
    rows = [family.by_id[id_] for id_ in ("ann", "bea", "mum")]
    judged("parent/p = 'm' and p = '1'", *rows, family=family)
    assert family.asked == [("cases", "mum")]
    family.asked.clear()
    nothing = "(parent/p = 'm' or not(parent/p = 'x')) and p = 'none'"
    assert judged(nothing, *rows, family=family) == [False] * 3
    assert family.asked == []


def test_only_a_condition_on_a_value_has_a_test():
    """A node that is no leaf is a defect here, not an answer."""
    with pytest.raises(TypeError):
        value_test(parse("match-all()", now=NOW))
