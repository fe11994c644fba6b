"""Commands that are known before anything is imported that does their work.

A module of ``api/cli/commands`` declares what can be typed: arguments, options and
help. What the command does is the function of the same name in the module of the same
name beside that folder, which is imported when it is to be done. Its parameters are the
settings of the process, then what was typed (docs/decisions/0031).
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

_DECLARED = "api.cli.commands."
_DONE = "api.cli."


class Command(click.Command):
    """A command whose function only declares it: its help is the docstring."""

    def invoke(self, ctx: click.Context) -> Any:
        """Import what does the work, and have it done."""
        return ctx.invoke(self.work(), ctx.obj, **ctx.params)

    def work(self) -> Callable[..., Any]:
        """Import and return the function that does the work."""
        declared: Any = self.callback
        module = import_module(declared.__module__.replace(_DECLARED, _DONE))
        found: Callable[..., Any] = getattr(module, declared.__name__)
        return found


class Group(click.Group):
    """A group of such commands."""

    command_class = Command
