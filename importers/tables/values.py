"""Values of cells that say more than Python's own types do. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


class ErrorValue(str):
    """The value of a cell whose formula failed, such as ``#N/A``."""

    __slots__ = ()


class Unsaved:
    """The value of a formula that was saved without its result."""

    __slots__ = ()


UNSAVED: Final = Unsaved()


@dataclass(frozen=True, slots=True)
class Padded:
    """A whole number under a format that shows more than its digits, as ``00000``."""

    value: float
    shown: str

    def __bool__(self) -> bool:
        """Tell whether the number is not 0, as for any other number."""
        return bool(self.value)
