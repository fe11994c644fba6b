"""In which format an answer is asked for (``rules/hq-frame.md`` 1.6). Pure."""

from __future__ import annotations

from enum import Enum

_XML = frozenset({"application/xml", "text/xml"})
_JSON = frozenset({"application/json", "text/javascript", "text/html"})


class Format(Enum):
    """A format that answers of HQ's APIs are written in."""

    JSON = "json"
    XML = "xml"

    @property
    def media_type(self) -> str:
        """Return the type of an answer in this format."""
        return f"application/{self.value}"


def asked_format(word: str | None, accept: str) -> Format:
    """Return the format that ``format`` names, else the one that is accepted rather.

    What is neither JSON nor XML counts as JSON.
    """
    if word in {"json", "xml"}:
        return Format(word)
    xml = json = 0.0
    for part in accept.split(","):
        name, _, said = part.partition(";")
        kind, weight = name.strip().lower(), _weight(said)
        if kind in _XML:
            xml = max(xml, weight)
        elif kind in _JSON:
            json = max(json, weight)
    return Format.XML if xml > json else Format.JSON


def _weight(said: str) -> float:
    """Return the ``q`` of what is accepted, from 0 to 1."""
    for parameter in said.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0
