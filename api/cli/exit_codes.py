"""How the program ends, where it is more than done, failed or wrong usage."""

from __future__ import annotations

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C has ended, as shells have it."""
