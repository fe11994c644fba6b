"""What people are asked at a terminal, and scripts must say beforehand."""

from __future__ import annotations

import sys

import click

YES = click.option("--yes", is_flag=True, help="Do not ask whether that is meant.")


class Declined(click.ClickException):
    """Somebody was asked and said no."""

    def __init__(self) -> None:
        """Say what that means."""
        super().__init__("nothing was changed")


def be_sure(question: str, *, yes: bool) -> None:
    """Ask whether something is meant, unless that was said.

    Raises a usage error where nobody can be asked, ``Declined`` for a no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        text = "nobody can be asked here: say --yes if that is meant"
        raise click.UsageError(text)
    if not click.confirm(question, err=True):
        raise Declined


def the_password(given: str | None, *, from_stdin: bool) -> str:
    """Return the password that was given, or ask for it at a terminal.

    Raises a usage error for two of them, for none where nobody can be asked, and for
    an empty one.
    """
    if given is not None and from_stdin:
        text = "give either --password-stdin or --password P"
        raise click.UsageError(text)
    password = given
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif given is None:
        if not sys.stdin.isatty():
            text = "give --password-stdin or --password P: nobody can be asked here"
            raise click.UsageError(text)
        password = click.prompt(
            "Password", hide_input=True, confirmation_prompt=True, err=True
        )
    if not password:
        text = "the password is empty"
        raise click.UsageError(text)
    return password
