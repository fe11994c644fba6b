"""The pages of the documentation and the examples in them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
}
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
ANYTHING = "…"
"""What a shown answer has in the place of something that differs each time."""


@dataclass(frozen=True)
class Fence:
    """A block of code on a page, and the line on which it begins."""

    language: str
    body: str
    line: int


@dataclass(frozen=True)
class Exchange:
    """A request that a page shows, and the answer that it promises."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int
    answer_headers: dict[str, str]
    answer: str
    line: int


@dataclass(frozen=True)
class Typed:
    """A command that a page shows, and the output that it promises."""

    command: str
    output: str
    line: int


def fences(name: str) -> Iterator[Fence]:
    """Yield the blocks of code of a page."""
    text = PAGES[name].read_text()
    for found in FENCED.finditer(text):
        yield Fence(found[1], found[2], text.count("\n", 0, found.start()) + 1)


def prose(name: str) -> str:
    """Return a page without its blocks of code."""
    return FENCED.sub("", PAGES[name].read_text())


def inline_code(name: str) -> list[str]:
    """Return what stands between backticks in the sentences of a page."""
    return INLINE.findall(prose(name))


def steps(name: str) -> list[Exchange | Typed]:
    """Return the requests and commands of a page in their order."""
    found: list[Exchange | Typed] = []
    waiting: Fence | None = None
    for fence in fences(name):
        if fence.language == "console":
            found += _typed(fence)
        elif fence.language == "http" and waiting is None:
            waiting = fence
        elif fence.language == "http" and waiting is not None:
            found.append(_exchange(waiting, fence))
            waiting = None
    assert waiting is None, f"{name}: the request of line {waiting} has no answer"
    return found


def _exchange(request: Fence, answer: Fence) -> Exchange:
    first, headers, body = _message(request.body)
    status, answer_headers, answer_body = _message(answer.body)
    method, _, path = first.partition(" ")
    protocol, _, code = status.partition(" ")
    assert protocol == "HTTP/1.1", f"line {answer.line}: no answer"
    return Exchange(
        method,
        path,
        headers,
        body,
        int(code),
        answer_headers,
        answer_body,
        request.line,
    )


def _message(text: str) -> tuple[str, dict[str, str], str]:
    head, _, body = text.partition("\n\n")
    first, *lines = head.rstrip("\n").split("\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return first, headers, body.removesuffix("\n")


def _typed(fence: Fence) -> Iterator[Typed]:
    """Yield the commands of a transcript: a ``$`` begins one, a ``>`` goes on."""
    for part in re.split(r"^\$ ", fence.body, flags=re.MULTILINE)[1:]:
        lines = part.rstrip("\n").split("\n")
        command, rest = [lines[0]], lines[1:]
        while rest and (rest[0].startswith("> ") or rest[0] == ">"):
            command.append(rest.pop(0)[2:])
        yield Typed("\n".join(command), "\n".join(rest), fence.line)


def is_as_shown(got: str, shown: str) -> bool:
    """Tell whether a text is the shown one; JSON may be laid out in any way."""
    try:
        wanted = json.loads(shown)
    except ValueError:
        return fits(got.strip(), shown.strip())
    try:
        return _same(json.loads(got), wanted)
    except ValueError:
        return False


def fits(got: str, shown: str) -> bool:
    """Tell whether a text is the shown one but for what the ellipses stand for."""
    parts = map(re.escape, shown.split(ANYTHING))
    return re.fullmatch(".*".join(parts), got, re.DOTALL) is not None


def _same(got: object, shown: object) -> bool:
    if isinstance(shown, str):
        return fits(got if isinstance(got, str) else json.dumps(got), shown)
    if isinstance(shown, list) and isinstance(got, list):
        return _same_items(got, shown)
    if isinstance(shown, dict) and isinstance(got, dict):
        return _same_members(got, shown)
    return type(got) is type(shown) and got == shown


def _same_items(got: list[object], shown: list[object]) -> bool:
    if shown and shown[-1] == ANYTHING:
        shown = shown[:-1]
        got = got[: len(shown)]
    return len(got) == len(shown) and all(map(_same, got, shown))


def _same_members(got: dict[str, object], shown: dict[str, object]) -> bool:
    named = {name: value for name, value in shown.items() if name != ANYTHING}
    if ANYTHING not in shown and got.keys() != named.keys():
        return False
    return all(name in got and _same(got[name], named[name]) for name in named)
