"""The tree of paths finds what a naive walk through the table of routes finds."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.routes import ROUTES
from api.wire.paths import find, segments_of, tree_of
from api.wire.route import PLACEHOLDER, SHAPES, SPELLINGS, TAILS

PATHS = tuple(dict.fromkeys(route.path for route in ROUTES))
TREE = tree_of(PATHS)
WORDS = sorted(
    {
        segment
        for path in PATHS
        for spelled in (path, *SPELLINGS["case_api"])
        for segment in segments_of(spelled)
        if not PLACEHOLDER.fullmatch(segment)
    }
    | {segment for some in SPELLINGS.values() for s in some for segment in s.split("/")}
)
HOSTILE = ("..", ".", "%2F", "%25", "ext", "é", "\udcff", " ", "\n", "a b", "{domain}")

segments = st.sampled_from(WORDS) | st.sampled_from(HOSTILE) | st.text(min_size=1)
slashes = st.sampled_from(("/", "/", "/", "//", "///"))


def naive(path):
    """Try one row after the other; return the first that fits and what it binds."""
    for row, written in enumerate(PATHS):
        found = re.fullmatch(pattern(written), path)
        if found is not None:
            bound = found.groupdict()
            spelled = {n: v for n, v in bound.items() if n in SPELLINGS}
            return row, bound | {n: squeezed(v) for n, v in spelled.items()}
    return None


def pattern(written):
    """Return the paths that a row serves as one expression."""
    return "".join(map(of_segment, segments_of(written))) + "/*"


def of_segment(segment):
    """Return a slash, or several, and what must stand behind."""
    found = PLACEHOLDER.fullmatch(segment)
    if found is None:
        return f"/+{re.escape(segment)}"
    name = found[1]
    if name in TAILS:
        return rf"/(?=[\s\S]*[^/])(?P<{name}>{TAILS[name]})"
    if name in SPELLINGS:
        ways = ("/+".join(map(re.escape, s.split("/"))) for s in SPELLINGS[name])
        return f"/+(?P<{name}>{'|'.join(ways)})"
    return f"/+(?P<{name}>{SHAPES.get(name, '[^/]+')})"


def squeezed(text):
    """Return a text without doubled slashes."""
    return re.sub("/+", "/", text)


@st.composite
def rows(draw):
    """Draw a path that some row serves, spelled and slashed in any way."""
    parts = []
    for segment in segments_of(draw(st.sampled_from(PATHS))):
        found = PLACEHOLDER.fullmatch(segment)
        if found is None:
            parts.append(segment)
        elif found[1] in SPELLINGS:
            parts += draw(st.sampled_from(SPELLINGS[found[1]])).split("/")
        else:
            parts.append(draw(segments))
    return parts


@given(rows() | st.lists(segments, max_size=12), st.data())
def test_the_tree_finds_what_a_walk_through_the_table_finds(parts, data):
    """The same row, with the same values, for paths that fit and for any others."""
    path = "".join(data.draw(slashes) + part for part in parts)
    path += data.draw(st.sampled_from(("", "/", "//"))) or ("" if parts else "/")
    leaf = find(TREE, path, segments_of(path))
    if leaf is None:
        assert naive(path) is None
    else:
        assert (leaf.row, leaf.values(path, segments_of(path))) == naive(path)


@given(st.lists(st.sampled_from([*WORDS, "{domain}", "{case_id}", "{app_id}"])))
def test_every_row_of_any_table_is_found_at_its_own_path(parts):
    """Unless an earlier one takes all that fits it, which is refused at start."""
    path = "/" + "/".join(parts)
    asked = PLACEHOLDER.sub("x", path)
    try:
        tree = tree_of((*PATHS, path))
    except ValueError:
        assert naive(asked) is not None
        return
    leaf = find(tree, asked, segments_of(asked))
    assert leaf is not None
    assert leaf.row == len(PATHS) or naive(asked) is not None


@pytest.mark.parametrize(
    "path", ["/a/{domain}", "/a/{domain}/b/", "/{file}", "/a/{external_id}"]
)
def test_a_row_that_nothing_can_reach_is_refused(path):
    """Whoever adds it hears of it when the server starts."""
    twin = PLACEHOLDER.sub(lambda m: m[0] if m[1] in TAILS else "{case_id}", path)
    with pytest.raises(ValueError, match="an earlier row fits"):
        tree_of((path, twin))


def test_nothing_stands_behind_what_takes_all():
    """A placeholder for the rest of a path is the last one."""
    with pytest.raises(ValueError, match="nothing can stand behind"):
        tree_of(("/a/{external_id}/b",))
