"""Every problem text in the source, found by reading the source.

A text becomes a template: what is put into it at run time is a hole with the name that
the source has for it. A name that stands for one of several texts is replaced by each
of them, so that no alternative is missed, and one that stands for a number by it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("ledger", "projections", "importers", "api")
HOLE = re.compile("\0([^\0]*)\0")
"""Where something is put in at run time, and the name of it."""

# What makes a problem, and which of its arguments is the text.
MAKERS = {
    "Problem": 1,
    "NotAMember": 1,
    "invalid": 0,
    "at_fault": 1,
    "not_ready": 0,
    "Conflict": 0,
    "InvalidPayload": 0,
    "Malformed": 0,
    "NotFound": 0,
    "QueryError": 0,
    "StoreUnavailable": 0,
    "ClockJumped": 0,
    "ReadOnlyStore": 0,
    "RolledBack": 0,
    "StaleTables": 0,
    "BadBackup": 0,
    "Untrusted": 0,
    "Overloaded": 0,
    "LedgerError": 0,
    "Damaged": 0,
    "ConfigError": 0,
    "CannotServe": 0,
    "UsageError": 0,
    "Unreadable": 1,
    "UnreadableForm": 0,
    "FormTooLarge": 0,
    "Violation": 2,
    "refusal": 1,
    "warning": 1,
    "_TryAnother": 1,
    "ClickException": 0,
    "fail": 0,
    "_failed": 0,
    "_invalid": 0,
    "value_error": 1,
    "Rejected": 1,
    "_answer": 2,
}
# Makers that put something in front of the text they are given.
FRAMES = ("Rejected", "_invalid", "value_error", "QueryError")


@dataclass(frozen=True)
class Text:
    """A problem text as the source has it.

    ``maker`` is what makes a problem of it at ``place``, a file of the source;
    ``status`` is there where the source says it beside the text.
    """

    template: str
    place: str
    maker: str
    status: int | None = None


@cache
def problem_texts() -> tuple[Text, ...]:
    """Return every text, those without any word of their own left out."""
    found = {
        text: None
        for package in PACKAGES
        for path in sorted((ROOT / package).rglob("*.py"))
        for text in _Module(path).texts()
        if re.search(r"\w", HOLE.sub("", text.template))
    }
    return tuple(found)


def squeezed(text: str) -> str:
    """Return a text with every run of blanks as one."""
    return " ".join(text.split())


class _Module:
    """One source file and the texts that its names stand for."""

    def __init__(self, path: Path) -> None:
        self.place = path.relative_to(ROOT).as_posix()
        self.tree = ast.parse(path.read_text())
        self.scopes: list[dict[str, list[ast.expr]]] = [_assigned(self.tree)]

    def texts(self) -> Iterator[Text]:
        """Yield the texts of the file."""
        yield from self._visit(self.tree)

    def _visit(self, node: ast.AST) -> Iterator[Text]:
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function and node.name in FRAMES:
            return  # what it makes is part of the texts that it is given
        if is_function:
            self.scopes.append(_assigned(node))
        if isinstance(node, ast.Call):
            yield from self._call(node)
        for child in ast.iter_child_nodes(node):
            yield from self._visit(child)
        if is_function:
            self.scopes.pop()

    def _call(self, call: ast.Call) -> Iterator[Text]:
        name = getattr(call.func, "id", None) or getattr(call.func, "attr", "")
        kept = [kw.value for kw in call.keywords if kw.arg == "problem"]
        position = MAKERS.get(name)
        if position is not None and len(call.args) > position:
            kept.append(call.args[position])
        for value in kept:
            for template in self._templates(value):
                yield Text(
                    squeezed(self._frame(name, call) + template),
                    self.place,
                    name,
                    _status(name, call),
                )

    def _frame(self, name: str, call: ast.Call) -> str:
        """Return what a maker puts in front of its text."""
        match name:
            case "Rejected":
                return f"{self._word(call)}: "
            case "value_error":
                of = "CaseValueError: Error processing case update: Field"
                return f"{of}: {self._word(call)}, Error: "
            case "_invalid":
                return "Invalid XML: "
            case "QueryError":
                return "Bad query: "
        return ""

    def _word(self, call: ast.Call) -> str:
        """Return the first argument of a call, which is one text."""
        [word] = self._templates(call.args[0])
        return word

    def _templates(self, node: ast.expr, depth: int = 4) -> list[str]:
        """Return what an expression may be as text."""
        found = [_hole(node)]
        match node:
            case ast.Constant():
                found = [str(node.value)]
            case ast.FormattedValue(value=ast.expr() as value):
                found = (
                    [_hole(value)]
                    if isinstance(value, ast.Call)
                    else self._templates(value, depth)
                )
            case ast.JoinedStr():
                found = self._joined(node.values, depth)
            case ast.BinOp(op=ast.Add()):
                found = self._joined([node.left, node.right], depth)
            case ast.BoolOp():
                found = self._templates(node.values[0], depth)
            case ast.Call():
                found = self._made(node, depth)
            case ast.Name():
                found = self._named_texts(node.id, depth) or [_hole(node)]
        return found

    def _joined(self, parts: Sequence[ast.expr], depth: int) -> list[str]:
        choices = [self._templates(part, depth) for part in parts]
        return ["".join(choice) for choice in product(*choices)]

    def _made(self, call: ast.Call, depth: int) -> list[str]:
        """Return what a call may give: of a text itself, or of a function here."""
        if isinstance(call.func, ast.Attribute) and _is_text(call.func.value):
            return self._templates(call.func.value, depth)
        name = getattr(call.func, "id", "")
        if name == "printable":
            return self._templates(call.args[0], depth)
        return self._named_texts(f"{name}()", depth) or [_hole(call)]

    def _named_texts(self, name: str, depth: int) -> list[str]:
        found = self._named(name) if depth else []
        return [text for value in found for text in self._templates(value, depth - 1)]

    def _named(self, name: str) -> list[ast.expr]:
        """Return what a name stands for, nearest scope first: texts, or one number."""
        for scope in (*reversed(self.scopes), _exported()):
            values = scope.get(name, [])
            texts = [value for value in values if _is_text(value)]
            numbers = {ast.dump(v): v for v in values if _is_number(name, v)}
            if texts or len(numbers) == 1:
                return texts or [*numbers.values()]
        return []


def _hole(node: ast.expr) -> str:
    """Return a hole with the name of what will be put in, as ``error.text``."""
    named = (p for p in _outer_first(node) if isinstance(p, ast.Attribute | ast.Name))
    name = next((ast.unparse(part) for part in named), "")
    return f"\0{name}\0"


def _outer_first(node: ast.expr) -> Iterator[ast.AST]:
    """Yield what an expression is made of, arguments before what is called."""
    yield node
    if isinstance(node, ast.Call):
        for argument in node.args:
            yield from _outer_first(argument)
        yield from _outer_first(node.func)
        return
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.expr):
            yield from _outer_first(child)


def _status(name: str, call: ast.Call) -> int | None:
    if name not in {"Problem", "NotAMember"} or not isinstance(
        call.args[0], ast.Constant
    ):
        return None
    return int(call.args[0].value)


def _assigned(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """Return what each name of a scope is set to, functions inside left out."""
    found: dict[str, list[ast.expr]] = {}
    for node in _own_nodes(scope):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.setdefault(node.target.id, []).append(node.value or ast.Constant(0))
        if isinstance(node, ast.FunctionDef):
            given = [n.value for n in ast.walk(node) if isinstance(n, ast.Return)]
            found[f"{node.name}()"] = [value for value in given if value is not None]
    return found


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _own_nodes(node)


def _is_text(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, str)
    if isinstance(value, ast.BinOp):
        return _is_text(value.left) or _is_text(value.right)
    return isinstance(value, ast.JoinedStr)


def _is_number(name: str, value: ast.expr) -> bool:
    """Tell whether a name is of a number that is always the same."""
    constant = isinstance(value, ast.Constant) and type(value.value) is int
    return constant and name.strip("_").isupper()


@cache
def _exported() -> dict[str, list[ast.expr]]:
    """Return the texts that modules give to others: their public constants."""
    found: dict[str, list[ast.expr]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            for name, values in _assigned(ast.parse(path.read_text())).items():
                if name.isupper() and not name.startswith("_"):
                    found.setdefault(name, []).extend(values)
    return found
