"""Which release of the program this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def program() -> str:
    """Return the program's name and version, as evidence names its maker."""
    try:
        return f"caseledger {version('caseledger')}"
    except PackageNotFoundError:
        return "caseledger, not installed"
