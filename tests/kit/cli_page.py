"""docs/cli.md, made of the commands and of what they say with ``--help``.

The help of a command and its options are click's own. What no command says stands in
notes beside this file: the order of the commands, more prose, and transcripts. Prose
of a section goes between the help and the options, everything from its first block of
code behind.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import click

from api.cli import caseledger

NOTES = Path(__file__).with_suffix(".md")
_PROGRAM = "caseledger"
_HEADING = re.compile(r"^## `caseledger ([a-z -]+)`$", re.MULTILINE)
_OPTION = re.compile(r"(?<![\w`-])--?[a-z][a-z-]*\b")
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z])")


class Wrong(Exception):
    """The notes and the commands do not fit; the text says where."""


def page() -> str:
    """Return docs/cli.md; raises ``Wrong`` if a command has no notes, or none is."""
    intro, *parts = _HEADING.split(NOTES.read_text())
    notes = dict(zip(parts[::2], parts[1::2], strict=True))
    found = commands()
    if notes.keys() != found.keys():
        different = ", ".join(sorted(notes.keys() ^ found.keys()))
        raise Wrong(f"either {NOTES.name} or the program lacks: {different}")
    sections = [_section(found[name], text) for name, text in notes.items()]
    return "\n".join([intro.rstrip("\n"), "", *sections])


def commands() -> Mapping[str, click.Context]:
    """Return every command that can be typed, by its words."""
    top = click.Context(caseledger, info_name=_PROGRAM)
    found: dict[str, click.Context] = {}
    for name in caseledger.list_commands(top):
        command = caseledger.get_command(top, name)
        if isinstance(command, click.Group):
            above = click.Context(command, parent=top, info_name=name)
            for word, inner in command.commands.items():
                ctx = click.Context(inner, parent=above, info_name=word)
                found[f"{name} {word}"] = ctx
        elif command is not None:
            found[name] = click.Context(command, parent=top, info_name=name)
    return found


def _section(ctx: click.Context, notes: str) -> str:
    prose, fence, rest = notes.strip("\n").partition("```")
    parts = [
        f"## `{ctx.command_path}`",
        "\n\n".join(_help(ctx.command)),
        f"`{ctx.command_path} {' '.join(ctx.command.collect_usage_pieces(ctx))}`",
        prose.strip("\n"),
        "\n".join(_options(ctx)),
        fence + rest,
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _help(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of a help text, a sentence a line."""
    for paragraph in (command.help or "").split("\n\n"):
        told = " ".join(paragraph.replace("``", "`").split())
        yield _SENTENCE.sub("\n", _typed(told))


def _options(ctx: click.Context) -> Iterator[str]:
    records = (param.get_help_record(ctx) for param in ctx.command.params)
    told = [record for record in records if record is not None]
    if told:
        yield "| option | means |"
        yield "| --- | --- |"
    for names, text in told:
        yield f"| `{_cell(names)}` | {_cell(_typed(text))} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _typed(text: str) -> str:
    """Return a text with its options shown as code."""
    if "`" in text:
        return text
    return _OPTION.sub(lambda found: f"`{found[0]}`", text)
