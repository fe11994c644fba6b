"""How each resource of HQ's other APIs is spelled in a path. Pure.

An older path names the version of the whole API, a newer one that of the resource, and
both work (``rules/hq-frame.md`` 1.1). A row of the table of routes says the placeholder
and is found under each spelling; what a client asked by is in ``match_info``, so that a
``resource_uri`` can name the same family of paths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def _spelled(resource: str, *old: str, new: int = 1) -> tuple[str, ...]:
    """Return the newer path of a resource, then those of older versions."""
    newer = f"api/{resource}/v{new}"
    return (newer, *(f"api/{version}/{resource}" for version in old))


HQ_SPELLINGS: Mapping[str, Sequence[str]] = {
    "hq_case": _spelled("case", "v0.5", "v0.4", "v0.3"),
    "hq_form": _spelled("form", "v0.5", "v0.4"),
    "hq_user": _spelled("user", "v0.5"),
    "hq_user_read": ("api/v0.4/user",),
    "hq_bulk_user": _spelled("bulk-user", "v0.5"),
    "hq_web_user": _spelled("web-user", "v0.5"),
    "hq_web_user_read": ("api/v0.4/web-user",),
    "hq_group": _spelled("group", "v0.5"),
    "hq_group_read": ("api/v0.4/group",),
    "hq_location": _spelled("location", "v0.5"),
    "hq_location_2": _spelled("location", "v0.6", new=2),
    "hq_location_type": _spelled("location_type", "v0.5"),
    "hq_sso": _spelled("sso", "v0.5", "v0.4"),
    "hq_domain_forms": _spelled("domain_forms", "v0.5"),
    "hq_domain_cases": _spelled("domain_cases", "v0.5"),
    "hq_domain_usernames": _spelled("domain_usernames", "v0.5"),
    "hq_form_attachment": ("api/form_attachment/v1", "api/form/attachment"),
    "hq_case_attachment": ("api/case_attachment/v1", "api/case/attachment"),
    "hq_identity": _spelled("identity", "v0.5"),
    "hq_user_domains": (
        *_spelled("user_domains", "v0.5"),
        "hq/admin/global/user_domains",
    ),
}
"""The placeholders of HQ's resources; documents write the first spelling.

A resource whose older version serves fewer methods has that version under a placeholder
of its own, ``…_read``.
"""
