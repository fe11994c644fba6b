"""CSQL texts into nodes (``rules/case-api-v2.md`` 6.3). Pure.

A recursive descent. Its depth is bounded by ``MAX_DEPTH``, so neither the parser nor
anybody who walks the tree can run out of stack; chains of ``and`` and ``or`` make one
wide node, not a deep tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import NamedTuple

from ledger.times import Instant
from projections.csql.errors import (
    BAD_COUNT,
    BAD_DISTANCE,
    MALFORMED,
    NO_LIST,
    NO_OPERATOR,
    NOT_COMPARABLE,
    QueryError,
    bad_place,
    bad_unit,
    misunderstood,
    not_a_property,
    not_an_index,
    property_on_the_right,
    unknown_function,
    wrong_arguments,
)
from projections.csql.functions import Function, Value, functions
from projections.csql.nodes import (
    TIME_PROPERTIES,
    AncestorExists,
    And,
    Comparator,
    CompareDay,
    CompareInstant,
    CompareNumber,
    Constant,
    Equals,
    FuzzyMatch,
    Leaf,
    Node,
    Not,
    Or,
    PhoneticMatch,
    SelectedAll,
    SelectedAny,
    StartsWith,
    SubcaseCount,
    WithinDistance,
)
from projections.csql.tokens import Kind, Token, tokens
from projections.csql.values import METRES, date_of, instant_of, number_of, place_of

MAX_DEPTH = 64
"""How deep parentheses, calls and paths may nest."""

_COUNT = re.compile(r"[0-9]{1,18}")
_COMPARATORS = {comparator.value: comparator for comparator in Comparator}
_NOT_XML = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")


def parse(text: str, *, now: Instant) -> Node:
    """Return the tree of a query; ``now()`` and ``today()`` are of this moment.

    Raises ``QueryError`` with a text of rule 6.3.5. A character that XML cannot carry
    is malformed: no case can hold it, and PostgreSQL refuses NUL.
    """
    if _NOT_XML.search(text):
        raise QueryError(MALFORMED)
    return _Parser(tokens(text), functions(now)).whole()


class _Path(NamedTuple):
    """``parent/parent/name``: indices to follow, then a property."""

    steps: tuple[str, ...]
    name: str

    def __str__(self) -> str:
        return "/".join((*self.steps, self.name))

    def holds(self, condition: Node) -> Node:
        """Return the condition, asked of the case at the end of the path."""
        if not self.steps:
            return condition
        return AncestorExists(path=self.steps, condition=condition)


class _Parser:
    """One pass over the words of one query, looking one word ahead."""

    def __init__(self, words: Iterator[Token], calls: Mapping[str, Function]) -> None:
        self._words = words
        self._next = next(words)
        self._functions = calls
        self._depth = 0

    def whole(self) -> Node:
        """Return the tree of all words."""
        node = self.expression()
        if self._next.kind is not Kind.END:
            raise misunderstood(self._next.text)
        return node

    # -- conditions -------------------------------------------------------------------

    def expression(self) -> Node:
        """Read conditions joined by ``or``, which binds weaker than ``and``."""
        with self._deeper():
            parts = [self._conjunction()]
            while self._found(Kind.NAME, "or"):
                parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else Or(parts=tuple(parts))

    def _conjunction(self) -> Node:
        parts = [self._condition()]
        while self._found(Kind.NAME, "and"):
            parts.append(self._condition())
        return parts[0] if len(parts) == 1 else And(parts=tuple(parts))

    def _condition(self) -> Node:
        if self._found(Kind.SIGN, "("):
            node = self.expression()
            self._expect(")")
            return node
        word = self._take()
        if word.kind is Kind.NAME:
            return self._call(word.text) if self._at("(") else self._comparison(word)
        if word.kind is Kind.SIGN:
            raise misunderstood(word.text)
        raise self._without_operator(word)

    def _comparison(self, word: Token) -> Node:
        path = self._path(word)
        comparator = self.comparator()
        if comparator is None:
            raise self._without_operator(self._next)
        return path.holds(_compared(path.name, comparator, self.value()))

    def _call(self, name: str) -> Node:
        function = _FUNCTIONS.get(name)
        if function is None:
            raise unknown_function(name)
        self._expect("(")
        return function(self, name)

    def comparator(self) -> Comparator | None:
        """Take the comparator that comes next, if one does."""
        if self._next.kind is not Kind.SIGN or self._next.text not in _COMPARATORS:
            return None
        return _COMPARATORS[self._take().text]

    def _without_operator(self, word: Token) -> QueryError:
        """Return the error for a property or value that nothing is asked about."""
        ends = self._next.kind is Kind.END or self._next.text in {")", ",", "and", "or"}
        return QueryError(NO_OPERATOR) if ends else misunderstood(word.text)

    # -- values -----------------------------------------------------------------------

    def value(self) -> str:
        """Read one text, a number as its shortest text."""
        value = self._value()
        if isinstance(value, tuple):
            raise QueryError(NO_LIST)
        return value

    def words(self) -> tuple[str, ...]:
        """Read a text or a list as the words that it has."""
        value = self._value()
        texts = value if isinstance(value, tuple) else (value,)
        return tuple(word for text in texts for word in text.split())

    def _value(self) -> Value:
        negative = self._found(Kind.SIGN, "-")
        word = self._take()
        if word.kind is Kind.NUMBER:
            return _number_text(word.text, "-" if negative else "")
        if negative or word.kind is Kind.SIGN:
            raise misunderstood(word.text)
        if word.kind is Kind.TEXT:
            return word.text
        if not self._at("("):
            raise property_on_the_right(str(self._path(word)))
        return self._value_call(word.text)

    def _value_call(self, name: str) -> Value:
        function = self._functions.get(name)
        if function is None:
            raise unknown_function(name)
        self._expect("(")
        with self._deeper():
            return function.run(*self._arguments(name, function))

    def _arguments(self, name: str, function: Function) -> list[str]:
        found: list[str] = []
        if function.most != 0:
            found.append(self.value())
        while len(found) != function.most and self._found(Kind.SIGN, ","):
            found.append(self.value())
        if len(found) < function.fewest:
            raise wrong_arguments(name, function.signature)
        self.close(name, function.signature)
        return found

    # -- arguments --------------------------------------------------------------------

    def comma(self, name: str, signature: str) -> None:
        """Go on to the next argument of a call."""
        if self._at(")"):
            raise wrong_arguments(name, signature)
        self._expect(",")

    def close(self, name: str, signature: str) -> None:
        """End the call."""
        if self._at(","):
            raise wrong_arguments(name, signature)
        self._expect(")")

    def property(self, name: str) -> _Path:
        """Read the property that a call is about."""
        word = self._take()
        if word.kind is not Kind.NAME or self._at("("):
            raise not_a_property(name)
        return self._path(word)

    def indices(self, name: str) -> tuple[str, ...]:
        """Read the path of indices that a call follows."""
        word = self._take()
        if word.kind is not Kind.NAME or self._at("("):
            raise not_an_index(name)
        path = self._path(word)
        if path.name.startswith("@"):
            raise not_an_index(name)
        return (*path.steps, path.name)

    def index(self, name: str) -> str:
        """Read the quoted name of an index."""
        word = self._take()
        if word.kind is not Kind.TEXT:
            raise not_an_index(name)
        return word.text

    def _path(self, word: Token) -> _Path:
        steps: list[str] = []
        while self._found(Kind.SIGN, "/"):
            if word.text.startswith("@") or self._next.kind is not Kind.NAME:
                raise misunderstood(f"{word.text}/{self._next.text}")
            steps.append(word.text)
            word = self._take()
        if len(steps) > MAX_DEPTH:
            raise QueryError(MALFORMED)
        return _Path(tuple(steps), word.text)

    # -- words ------------------------------------------------------------------------

    def _take(self) -> Token:
        """Go past the next word; a query that ends here is malformed."""
        if self._next.kind is Kind.END:
            raise QueryError(MALFORMED)
        taken, self._next = self._next, next(self._words)
        return taken

    def _at(self, sign: str) -> bool:
        return self._next == (Kind.SIGN, sign)

    def _found(self, kind: Kind, text: str) -> bool:
        """Go past the next word if it is this one."""
        if self._next != (kind, text):
            return False
        self._take()
        return True

    def _expect(self, sign: str) -> None:
        if not self._found(Kind.SIGN, sign):
            raise misunderstood(self._take().text)

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise QueryError(MALFORMED)
        yield
        self._depth -= 1


# -- functions: each reads its arguments, the opening parenthesis is taken -------------


def _negation(parser: _Parser, name: str) -> Node:
    node = Not(part=parser.expression())
    parser.close(name, "condition")
    return node


def _constant(parser: _Parser, name: str) -> Node:
    parser.close(name, "")
    return Constant(value=name == "match-all")


def _text_function(parser: _Parser, name: str) -> Node:
    signature = "property, 'text'"
    path = parser.property(name)
    parser.comma(name, signature)
    text = parser.value()
    parser.close(name, signature)
    return path.holds(_TEXT_FUNCTIONS[name](path.name, text))


def _selection(parser: _Parser, name: str) -> Node:
    signature = "property, 'text'"
    path = parser.property(name)
    parser.comma(name, signature)
    words = parser.words()
    parser.close(name, signature)
    return path.holds(_SELECTIONS[name](name=path.name, words=words))


def _distance(parser: _Parser, name: str) -> Node:
    signature = "property, 'latitude longitude', distance, 'unit'"
    path = parser.property(name)
    arguments = []
    for _ in range(3):
        parser.comma(name, signature)
        arguments.append(parser.value())
    parser.close(name, signature)
    return path.holds(_within(path.name, *arguments))


def _ancestor(parser: _Parser, name: str) -> Node:
    signature = "index, condition"
    path = parser.indices(name)
    parser.comma(name, signature)
    node = AncestorExists(path=path, condition=parser.expression())
    parser.close(name, signature)
    return node


def _subcase_exists(parser: _Parser, name: str) -> Node:
    index, condition = _subcases(parser, name)
    return SubcaseCount(
        index=index, condition=condition, comparator=Comparator.GT, count=0
    )


def _subcase_count(parser: _Parser, name: str) -> Node:
    index, condition = _subcases(parser, name)
    comparator = parser.comparator()
    if comparator is None:
        raise unknown_function(name)
    count = parser.value()
    if not _COUNT.fullmatch(count):
        raise QueryError(BAD_COUNT)
    return SubcaseCount(
        index=index, condition=condition, comparator=comparator, count=int(count)
    )


def _subcases(parser: _Parser, name: str) -> tuple[str, Node]:
    signature = "'index', condition"
    index = parser.index(name)
    parser.comma(name, signature)
    condition = parser.expression()
    parser.close(name, signature)
    return index, condition


_SELECTIONS: Mapping[str, type[SelectedAny | SelectedAll]] = {
    "selected": SelectedAny,
    "selected-any": SelectedAny,
    "selected-all": SelectedAll,
}
_TEXT_FUNCTIONS: Mapping[str, Callable[[str, str], Leaf]] = {
    "starts-with": lambda name, text: StartsWith(name=name, prefix=text),
    "fuzzy-match": lambda name, text: FuzzyMatch(name=name, text=text),
    "phonetic-match": lambda name, text: PhoneticMatch(name=name, text=text),
}
_FUNCTIONS: Mapping[str, Callable[[_Parser, str], Node]] = {
    **dict.fromkeys(_TEXT_FUNCTIONS, _text_function),
    **dict.fromkeys(_SELECTIONS, _selection),
    "not": _negation,
    "match-all": _constant,
    "match-none": _constant,
    "within-distance": _distance,
    "ancestor-exists": _ancestor,
    "subcase-exists": _subcase_exists,
    "subcase-count": _subcase_count,
}

# -- what a comparison means -----------------------------------------------------------


def _compared(name: str, comparator: Comparator, value: str) -> Node:
    if comparator is Comparator.EQ:
        return _equal(name, value)
    if comparator is Comparator.NE:
        return Not(part=_equal(name, value))
    return _ordered(name, comparator, value)


def _equal(name: str, value: str) -> Leaf:
    timed = _timed(name, Comparator.EQ, value) if name in TIME_PROPERTIES else None
    return timed or Equals(name=name, value=value)


def _ordered(name: str, comparator: Comparator, value: str) -> Leaf:
    number = number_of(value)
    if number is not None:
        return CompareNumber(name=name, comparator=comparator, bound=number)
    timed = _timed(name, comparator, value)
    if timed is None:
        raise QueryError(NOT_COMPARABLE)
    return timed


def _timed(name: str, comparator: Comparator, value: str) -> Leaf | None:
    day = date_of(value)
    if day is not None:
        return CompareDay(name=name, comparator=comparator, bound=day)
    instant = instant_of(value)
    if instant is not None:
        return CompareInstant(name=name, comparator=comparator, bound=instant)
    return None


def _within(name: str, centre: str, distance: str, unit: str) -> Leaf:
    place = place_of(centre)
    if place is None:
        raise bad_place(centre)
    length = number_of(distance)
    if length is None or length < 0:
        raise QueryError(BAD_DISTANCE)
    if unit not in METRES:
        raise bad_unit(unit, ", ".join(METRES))
    return WithinDistance(
        name=name,
        latitude=place.latitude,
        longitude=place.longitude,
        metres=length * METRES[unit],
    )


def _number_text(text: str, sign: str) -> str:
    """Return a number as CommCare HQ compares it with texts: ``007`` is ``7``."""
    number = number_of(text)
    if number is None:
        raise QueryError(MALFORMED)
    whole = text.isdigit()
    shortest = (text.lstrip("0") or "0") if whole else str(number)
    return f"{sign if number else ''}{shortest}"
