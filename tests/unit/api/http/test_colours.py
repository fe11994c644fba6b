from __future__ import annotations

import io
import sys

import pytest

from api.http.logs import wants_colors


@pytest.mark.parametrize(
    ("terminal", "no_color", "coloured"),
    [(True, None, True), (True, "1", False), (True, "", True), (False, None, False)],
)
def test_colours_are_for_terminals(monkeypatch, terminal, no_color, coloured):
    """rules/operator.md 2.9: and not where NO_COLOR is set to something."""
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert wants_colors() is coloured
