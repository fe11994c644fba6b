"""Which release of the program this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def release() -> str:
    """Return the version that is installed, ``unknown`` where none is."""
    try:
        return version("caseledger")
    except PackageNotFoundError:
        return "unknown"


def program() -> str:
    """Return the program's name and version, as evidence names its maker."""
    return f"caseledger {release()}"
