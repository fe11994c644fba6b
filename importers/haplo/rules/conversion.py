"""From a value of a record to what is set: one prepared way for each instruction. Pure.

``rules/batch-imports.md`` 1.6: first ``mapInputValue``, then the filters from left to
right, then the type.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from importers.haplo.rules.filters import Filter
from importers.haplo.rules.lookup import Lookup, Ref
from importers.haplo.rules.mappings import Mapping as RefMapping
from importers.haplo.rules.scripting import text_of
from importers.haplo.rules.types import TEXT_KINDS
from importers.haplo.rules.values import Value, ValueProblem, Wanted, convert
from ledger.forms.names import is_legal, is_too_long


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """What an instruction does to its values; ``default`` is empty without one."""

    wanted: Wanted
    inputs: Mapping[str, Any] | None = None
    default: tuple[Any, ...] = ()
    filters: tuple[Filter, ...] = ()
    mapping: RefMapping | None = None
    _keeps_texts: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Find out what need not be done to each value."""
        is_text = self.wanted.type in TEXT_KINDS
        keeps = is_text and not self.asks and self.inputs is None
        object.__setattr__(self, "_keeps_texts", keeps)

    @property
    def asks(self) -> bool:
        """Tell whether cases or users may be looked up."""
        return bool(self.filters) or self.mapping is not None

    def keeps(self, given: Any) -> TypeGuard[str]:
        """Tell whether a value is a text that is set as it is, as most are."""
        return (
            self._keeps_texts
            and isinstance(given, str)
            and is_legal(given)
            and not is_too_long(given)
        )

    def apply(self, given: Any, lookup: Lookup) -> Value | None:
        """Return what is to be set, ``None`` for nothing.

        Raises ``ValueProblem`` and ``RecordAborted``.
        """
        value, source = self._mapped(given), self.wanted.source
        for change in self.filters:
            value = change(value, lookup, source)
            if value is None:
                return None
        if self.mapping is not None and not isinstance(value, Ref | None):
            return self.mapping.ref_of(value, lookup, source)
        return _checked(convert(value, self.wanted), source)

    def _mapped(self, given: Any) -> Any:
        if self.inputs is None:
            return given
        key = text_of(given)
        if key in self.inputs:
            return self.inputs[key]
        return self.default[0] if self.default else given


def _checked(value: Value | None, source: str) -> Value | None:
    """Refuse what XML cannot carry (rule R0.8)."""
    text = value.id if isinstance(value, Ref) else value
    if text is not None and not is_legal(text):
        raise ValueProblem(f"Invalid character in {source}")
    if text is not None and is_too_long(text):
        raise ValueProblem(f"Value is too long in {source}")
    return value
