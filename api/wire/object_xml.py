"""Objects of HQ's APIs as XML, from the tree that JSON is made of. Pure.

``rules/hq-frame.md`` 1.6: what is no text says its type in an attribute, children stand
in the order of their names, and the ``id`` of an object is an attribute of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.forms.names import is_name
from ledger.forms.xml_text import as_attribute, as_text

DECLARATION = "<?xml version='1.0' encoding='utf-8'?>\n"
"""The first line of every answer."""


_KINDS = {bool: "boolean", int: "integer", float: "float"}


def written(found: Mapping[str, Any]) -> str:
    """Return an object of a list, or one that stands alone.

    Raises ``ValueError`` for a text that XML cannot carry.
    """
    return _hash("object", found, typed="")


def element(name: str, value: Any) -> str:
    """Return a value under a name; raises ``ValueError`` as ``written`` does."""
    if value is None:
        return f'<{name} type="null"/>'
    if isinstance(value, str):
        return f"<{name}>{as_text(value)}</{name}>" if value else f"<{name}/>"
    if isinstance(value, Mapping):
        return _hash(name, value, typed=' type="hash"')
    kind = _KINDS.get(type(value))
    if kind is None:
        return _list(name, value)
    return f'<{name} type="{kind}">{value}</{name}>'


def _hash(name: str, found: Mapping[str, Any], *, typed: str) -> str:
    children = dict(found)
    own = children.pop("id", None)
    identity = "" if own is None else f' id="{as_attribute(str(own))}"'
    inner = "".join(
        element(key, children[key]) for key in sorted(children) if is_name(key)
    )
    return f"<{name}{typed}{identity}>{inner}</{name}>"


def _list(name: str, values: Sequence[Any]) -> str:
    items = [
        element("object" if isinstance(value, Mapping) else "value", value)
        for value in values
    ]
    return f'<{name} type="list">{"".join(items)}</{name}>'
