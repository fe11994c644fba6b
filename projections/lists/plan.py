"""From a filter to the statement that answers it: which index drives, what is tested.

The driver is the condition that the fewest cases meet, by the counters that the writer
keeps (``rules/design.md`` 5.6); no statistics of a database have a say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledger.entry import Head
from ledger.forms.names import is_legal
from ledger.store import Reader
from ledger.times import Micros, to_micros
from projections.lists.filter import CaseFilter, Operator, TimeRange
from projections.lists.sql import Driver, Kind, Shape, Test, counters_statement
from projections.names import CASES
from projections.rule.hashing import (
    CASE_NAME,
    CASE_TYPE,
    CLOSED,
    OWNER,
    TOTAL,
    value_hash,
)

MOST_BRANCHES = 16
"""Values that a driver serves each in order; more are gathered and sorted."""

BEGINNING: Micros = -1
END: Micros = (1 << 63) - 1

_UNKNOWN = 1 << 40  # more cases than any domain has
_SHARE_WORTH_GATHERING = 8
_CASES_OF = {Driver.IDS: 1, Driver.EXTERNAL: 2, Driver.REFERENCES: 100}
"""Cases to expect for each value of a driver that has no counters."""

Counter = tuple[int, tuple[int, ...]]

_MOST_PLANS = 256
_SHORT = 100
"""Characters of a condition up to which its plan is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition of a filter, with all that can serve it.

    ``values`` are those of its test, ``keys`` those of its driver.
    """

    test: Test
    values: tuple[Any, ...]
    name: str | int | None = None
    driver: Driver | None = None
    keys: tuple[Any, ...] = ()
    counter: Counter | None = None
    again: tuple[str, tuple[str, ...]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to answer a filter.

    ``low`` (exclusive) and ``high`` bound the list positions. ``counter`` is what in
    the counters tells the total, if they do. ``again`` are conditions on hashes, to be
    judged once more by the values. ``work`` is how many cases may have to be looked at
    for one page and its total.
    """

    shape: Shape
    params: Mapping[str, Any]
    low: Micros
    high: Micros
    counter: Counter | None
    again: tuple[tuple[str, tuple[str, ...]], ...]
    work: int


@dataclass(frozen=True, slots=True)
class Walk:
    """A plan for cases in some order of all cases.

    ``is_along``: it tests every case on the way. Otherwise its driver yields so few
    that they are better gathered and sorted.
    """

    plan: Plan
    is_along: bool


_PLANS: dict[tuple[object, ...], tuple[Plan | None, object]] = {}
"""Plans that no counter had a say in, by all that had one."""


class _Impossible(Exception):
    """A condition has no value left that a case could have."""


def make_plan(r: Reader, asked: CaseFilter) -> Plan | None:
    """Return how to answer a filter, leaving its query aside; ``None``: no case can.

    Reads the counters when there is a choice. Where there is none a plan that was made
    is taken again: a walk asks the same of each of its pages.
    """
    if not _leaves_no_choice(asked):
        return _made(r, asked)
    indexed = r.head.indexed
    key = (
        *(r.head.live[CASES], id(indexed), asked.include_deleted, asked.closed),
        *(tuple(asked.equals.items()), tuple(asked.indices.items())),
        *asked.properties.items(),
    )
    known = _PLANS.get(key)
    if known is None:
        if len(_PLANS) >= _MOST_PLANS:
            _PLANS.clear()
        # Whoever holds the tuple keeps its identity from being given to another.
        known = _PLANS[key] = (_made(r, asked), indexed)
    return known[0]


def _leaves_no_choice(asked: CaseFilter) -> bool:
    """Tell whether there is one short condition at most."""
    if asked.ranges:
        return False
    conditions = [*asked.equals.items(), *asked.indices.items()]
    conditions += asked.properties.items()
    if len(conditions) + len(asked.closed) > 1:
        return False
    return all(
        len(values) == 1 and len(name) + len(values[0]) <= _SHORT
        for name, values in conditions
    )


def make_walk(r: Reader, asked: CaseFilter) -> Walk | None:
    """Return how to answer a filter in an order that no driver yields.

    Reads the counters. ``None``: no case can match.
    """
    try:
        conditions = list(_conditions(r.head, asked))
        bounds = _bounds(asked.ranges)
    except _Impossible:
        return None
    sizes, total = _sizes(r, r.head.live[CASES], conditions, choosing=True)
    driver = _choose(conditions, sizes, total)
    if driver is not None and sizes[id(driver)] * _SHARE_WORTH_GATHERING <= total:
        return Walk(_plan(r, asked, conditions, driver, bounds), is_along=False)
    return Walk(_plan(r, asked, conditions, None, bounds), is_along=True)


def _made(r: Reader, asked: CaseFilter) -> Plan | None:
    try:
        conditions = list(_conditions(r.head, asked))
        bounds = _bounds(asked.ranges)
    except _Impossible:
        return None
    sizes, total = _sizes(r, r.head.live[CASES], conditions)
    driver = _choose(conditions, sizes, total)
    plan = _plan(r, asked, conditions, driver, bounds)
    if plan.counter is not None:
        return plan
    return replace(plan, work=total if driver is None else sizes[id(driver)])


def _plan(
    r: Reader,
    asked: CaseFilter,
    conditions: Sequence[Condition],
    driver: Condition | None,
    bounds: tuple[Micros, Micros],
) -> Plan:
    low, high = bounds
    whole = not asked.include_deleted and bounds == (BEGINNING, END)
    others = _tested(driver, [c for c in conditions if c is not driver])
    counter = _counter(conditions) if whole else None
    shape = Shape(
        generation=r.head.live[CASES],
        driver=(driver.driver if driver else None) or Driver.PAGE,
        branches=_branches(driver),
        tests=tuple(condition.test for condition in others),
        counted=counter is not None,
        deleted_too=asked.include_deleted,
        ended=high < END,
    )
    return Plan(
        shape=shape,
        params=_params(driver, others, counter),
        low=low,
        high=high,
        counter=counter,
        again=tuple(c.again for c in (driver, *others) if c and c.again),
        work=0,
    )


def uncounted(plan: Plan) -> Plan:
    """Return the plan without a total beside the rows."""
    params = {k: v for k, v in plan.params.items() if not k.startswith("counted_")}
    return replace(plan, shape=plan.shape._replace(counted=False), params=params)


# -- conditions ------------------------------------------------------------------------


def _conditions(head: Head, asked: CaseFilter) -> Iterable[Condition]:
    """Yield the conditions, those that are cheap to test first."""
    hot = {} if asked.include_deleted else hot_names(head)
    texts = {name: _texts(values) for name, values in asked.equals.items()}
    names = texts.pop("case_name", None) if CASE_NAME in hot else None
    for column, values in texts.items():
        yield _column(column, values)
    if len(set(asked.closed)) == 1:
        yield _closed(asked.closed[0])
    yield from _times(asked.ranges)
    if names is not None:
        yield _indexed(CASE_NAME, names, hot[CASE_NAME])
    properties = {name: _texts(values) for name, values in asked.properties.items()}
    for name in sorted(properties.keys() & hot.keys()):
        yield _indexed(name, properties[name], hot[name])
    for name, targets in asked.indices.items():
        yield _reference(name, _texts(targets))
    for name in sorted(properties.keys() - hot.keys()):
        yield from _property(name, properties[name])


def hot_names(head: Head) -> dict[str, int]:
    """Return the ids of the names whose index covers every live case."""
    return {n.name: n.name_id for n in head.indexed if n.built_to is None}


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    """Return the values that a case can have, each once."""
    texts = tuple(dict.fromkeys(value for value in values if is_legal(value)))
    if not texts:
        raise _Impossible
    return texts


_COLUMN_DRIVERS: Mapping[str, tuple[Driver, int | None]] = {
    "case_type": (Driver.TYPE, CASE_TYPE),
    "owner_id": (Driver.OWNER, OWNER),
    "case_id": (Driver.IDS, None),
    "external_id": (Driver.EXTERNAL, None),
}


def _column(column: str, values: tuple[str, ...]) -> Condition:
    driver, counted = _COLUMN_DRIVERS.get(column, (None, None))
    if column == "external_id" and "" in values:
        driver = None  # a cleared external id is in the row but in no index
    return Condition(
        test=Test(Kind.COLUMN, column, _operator(values)),
        values=values,
        driver=driver,
        keys=values,
        counter=None if counted is None else (counted, _hashes(values)),
    )


def _closed(closed: bool) -> Condition:  # noqa: FBT001 - a value of a case
    return Condition(
        test=Test(Kind.COLUMN, "closed"),
        values=(int(closed),),
        driver=Driver.CLOSED if closed else None,
        keys=(1,),
        counter=(CLOSED, (int(closed),)),
    )


def _times(ranges: Iterable[TimeRange]) -> Iterable[Condition]:
    for asked in ranges:
        if asked.column != "indexed_on":
            yield Condition(
                test=Test(Kind.COLUMN, asked.column, asked.operator.value),
                values=(_widest(asked),),
            )


def _indexed(name: str, values: tuple[str, ...], name_id: int) -> Condition:
    hashes = _hashes(values)
    return Condition(
        test=Test(Kind.INDEXED, operator=_operator(hashes)),
        values=hashes,
        name=name_id,
        driver=Driver.NAME,
        keys=hashes,
        counter=(name_id, hashes),
        again=(name, values),
    )


def _reference(name: str, targets: tuple[str, ...]) -> Condition:
    if not is_legal(name):
        raise _Impossible
    return Condition(
        test=Test(Kind.REFERENCE, operator=_operator(targets)),
        values=targets,
        name=name,
        driver=Driver.REFERENCES,
        keys=targets,
    )


def _property(name: str, values: tuple[str, ...]) -> Iterable[Condition]:
    if not is_legal(name) or '"' in name:
        # No case has it, so it is missing everywhere.
        if "" not in values:
            raise _Impossible
        return
    test = Test(Kind.PROPERTY, operator=_operator(values))
    yield Condition(test=test, values=values, name=name)


def _operator(values: Sequence[object]) -> str:
    return "eq" if len(values) == 1 else "in"


def _hashes(values: Iterable[str]) -> tuple[int, ...]:
    return tuple(value_hash(value) for value in values)


# -- bounds ----------------------------------------------------------------------------

_FROM = {Operator.GT, Operator.GTE}


def _bounds(ranges: Sequence[TimeRange]) -> tuple[Micros, Micros]:
    """Return the bounds that ranges of ``indexed_on`` set to the list position."""
    low, high = BEGINNING, END
    for asked in ranges:
        instant = _widest(asked)
        if asked.column == "indexed_on":
            micros = to_micros(instant)
            match asked.operator:
                case Operator.GT:
                    low = max(low, micros)
                case Operator.GTE:
                    low = max(low, micros - 1)
                case Operator.LT:
                    high = min(high, micros - 1)
                case Operator.LTE:
                    high = min(high, micros)
    return low, high


def _widest(asked: TimeRange) -> str:
    """Return the bound that lets most through: any of them may hold."""
    if not asked.values:
        raise _Impossible
    return min(asked.values) if asked.operator in _FROM else max(asked.values)


# -- choice ----------------------------------------------------------------------------


def _sizes(
    r: Reader,
    generation: int,
    conditions: Sequence[Condition],
    *,
    choosing: bool = False,
) -> tuple[dict[int, int], int]:
    """Return how many cases meet each condition, and how many there are.

    Where nothing is to be chosen the counters are not asked and figures are guesses.
    """
    sizes = {
        id(c): _CASES_OF[c.driver] * len(c.keys) if c.driver in _CASES_OF else _UNKNOWN
        for c in conditions
    }
    many = any(len(c.keys) > MOST_BRANCHES for c in conditions)
    counted = [c for c in conditions if c.counter is not None and c.driver is not None]
    if not counted or (len(conditions) == 1 and not many and not choosing):
        return sizes, _UNKNOWN
    keys = [c.counter for c in counted if c.counter is not None]
    *counts, total = counters(r, generation, [*keys, (TOTAL, (0,))])
    sizes.update(zip(map(id, counted), counts, strict=True))
    return sizes, total


def counters(r: Reader, generation: int, keys: Sequence[Counter]) -> list[int]:
    """Return what the counters say of each name and its values, added up."""
    params: dict[str, Any] = {}
    for i, (name_id, values) in enumerate(keys):
        params[f"name{i}"], params[f"values{i}"] = name_id, list(values)
    row = r.conn.row(
        counters_statement(generation, len(keys)), domain=r.domain, **params
    )
    return list(row or ())


def _choose(
    conditions: Sequence[Condition], sizes: Mapping[int, int], total: int
) -> Condition | None:
    """Return the condition to drive from; ``None`` means the list itself."""
    able = [c for c in conditions if c.driver is not None and _worth(c, sizes, total)]
    return min(able, key=lambda c: sizes[id(c)], default=None)


def _worth(condition: Condition, sizes: Mapping[int, int], total: int) -> bool:
    """Tell whether a condition beats walking the list.

    One of many values loses its order, so it must leave out most of the domain.
    """
    if condition.driver in _CASES_OF or len(condition.keys) <= MOST_BRANCHES:
        return True
    return sizes[id(condition)] * _SHARE_WORTH_GATHERING <= total


def _tested(
    driver: Condition | None, others: Sequence[Condition]
) -> Sequence[Condition]:
    """Return the other conditions, judged by indexes alone or all by the case's row."""
    named = driver is not None and driver.driver is Driver.NAME
    if named and all(c.test.kind is Kind.INDEXED for c in others):
        return others
    return [c if c.again is None else _by_value(*c.again) for c in others]


def _by_value(name: str, values: Sequence[str]) -> Condition:
    """Return the condition on an indexed name as a test of the case's row."""
    if name == CASE_NAME:
        test = Test(Kind.COLUMN, "case_name", _operator(values))
        return Condition(test=test, values=tuple(values))
    test = Test(Kind.PROPERTY, operator=_operator(values))
    return Condition(test=test, values=tuple(values), name=name)


def _branches(driver: Condition | None) -> int:
    if driver is None or driver.driver is Driver.CLOSED:
        return 1
    if len(driver.keys) == 1:
        return 1
    gathered = driver.driver in _CASES_OF or len(driver.keys) > MOST_BRANCHES
    return 0 if gathered else len(driver.keys)


def _counter(conditions: Sequence[Condition]) -> Counter | None:
    """Return the counter that alone tells the total."""
    if not conditions:
        return (TOTAL, (0,))
    return conditions[0].counter if len(conditions) == 1 else None


def _params(
    driver: Condition | None, tests: Sequence[Condition], counter: Counter | None
) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if driver is not None and driver.driver is not Driver.CLOSED:
        branches = _branches(driver)
        params.update((f"value{i}", driver.keys[i]) for i in range(branches))
        if branches != 1:
            params["values"] = list(driver.keys)
        if driver.name is not None:
            params["driver_name"] = driver.name
    for i, condition in enumerate(tests):
        several = condition.test.operator == "in"
        values = condition.values
        params[f"test{i}"] = list(values) if several else values[0]
        if condition.name is not None:
            params[f"test{i}_name"] = condition.name
    if counter is not None:
        params["counted_name"], params["counted_values"] = counter[0], list(counter[1])
    return params
