"""The pages that are made of the source: ``python -m tests.kit.generated`` writes them.

A test compares each with what is in the repository.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.kit import cli_page, errors_page
from tests.kit.problem_texts import ROOT

GENERATED: Mapping[str, Callable[[], str]] = {
    "docs/cli.md": cli_page.page,
    "docs/errors.md": errors_page.page,
}


def main() -> None:
    """Write every page anew."""
    for name, page in GENERATED.items():
        (ROOT / name).write_text(page())


if __name__ == "__main__":
    main()
