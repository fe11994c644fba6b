from __future__ import annotations

import pytest

from api.wire.permissions import check_scope
from api.wire.problems import OutOfScope

SCOPE = "/api/batch/"


@pytest.mark.parametrize(
    ("scope", "path", "allowed"),
    [
        (SCOPE, "/a/demo/api/batch/file", True),
        (SCOPE, "/a/demo/api/batch/", True),
        (SCOPE, "/a/demo/api/batch", False),
        (SCOPE, "/a/demo/api/other", False),
        (SCOPE, "/api/batch/file", False),
        (SCOPE, "/a/api/batch/file", False),
        (SCOPE, "/b/demo/api/batch/file", False),
        (SCOPE, "/a/demo/x/api/batch/file", False),
        (SCOPE, "//a/demo//api/batch//file", True),
        (SCOPE, "/", False),
        ("=/api/batch", "/a/demo/api/batch", True),
        ("=/api/batch", "/a//demo/api//batch/", True),
        ("=/api/batch", "/a/demo/api/batch/file", False),
        ("/", "/a/demo/anything", True),
        ("/", "/a/demo", False),
    ],
)
def test_a_scope_is_the_beginning_of_a_path_below_the_domain(scope, path, allowed):
    """rules/batch-imports.md 1.2e: a prefix; one behind an ``=`` is the whole path."""
    if allowed:
        check_scope(scope, path)
    else:
        with pytest.raises(OutOfScope):
            check_scope(scope, path)
