"""Whether a form says something at a path (``rules/hq-forms.md`` 2.2). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from projections.rule.form_json import FormTexts


class LeafTest(NamedTuple):
    """That a text of a form is this one, whole.

    ``path`` has names with dots between them and begins with ``form`` or with
    ``metadata``; of several values at one path any will do.
    """

    path: str
    value: str
    is_exact: bool = False


def holds(texts: FormTexts, tests: Iterable[LeafTest]) -> bool:
    """Tell whether a form passes all tests; what is not there passes none."""
    said = {"form": texts.form or {}, "metadata": texts.metadata or {}}
    return all(_holds(said, test.path, test) for test in tests)


def _holds(value: Any, path: str, test: LeafTest) -> bool:
    """Tell whether a text below a value, at what is left of the path, is the one."""
    if isinstance(value, list):
        return any(_holds(one, path, test) for one in value)
    if isinstance(value, dict):
        return any(
            _holds(inner, path[len(key) + 1 :], test)
            for key, inner in value.items()
            # Names may hold dots themselves, so the path is not cut at each.
            if path == key or path.startswith(f"{key}.")
        )
    if path or not isinstance(value, str):
        return False
    if test.is_exact:
        return value == test.value
    return value.casefold() == test.value.casefold()
