"""What the tests of readers share."""

from __future__ import annotations

import subprocess

import pytest


@pytest.fixture
def started(monkeypatch):
    """Note the processes that are started."""
    found = []

    class Noted(subprocess.Popen):
        def __init__(self, *order, **options):
            super().__init__(*order, **options)
            found.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    return found
