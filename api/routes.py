"""The one table of routes: what is served where, to whom, in which dialect.

The table is the source of the server's router (``api/http/router.py``) and of the API's
description (``api/openapi/document.py``). Of two rows that fit a path the first counts.
"""

from __future__ import annotations

from api.about import routes as about
from api.cases import routes as cases
from api.changes import routes as changes
from api.dry_run import routes as dry_run
from api.erasure import routes as erasure
from api.errors import routes as errors
from api.excel import routes as excel
from api.forms import routes as forms
from api.groups import routes as groups
from api.haplo import routes as haplo
from api.history import routes as history
from api.hq_cases import routes as hq_cases
from api.hq_forms import routes as hq_forms
from api.jobs import routes as jobs
from api.proof import routes as proof
from api.receiver import routes as receiver
from api.restore import routes as restore
from api.sunbird import routes as sunbird
from api.undo import routes as undo
from api.users import routes as users
from api.webhooks import routes as webhooks
from api.wire.route import Route

ROUTES: tuple[Route, ...] = (
    *cases.ROUTES,
    *proof.ROUTES,
    *changes.ROUTES,
    *webhooks.ROUTES,
    *jobs.ROUTES,
    *undo.ROUTES,
    *errors.ROUTES,
    *history.ROUTES,
    *hq_cases.ROUTES,
    *hq_forms.ROUTES,
    *forms.ROUTES,
    *dry_run.ROUTES,
    *erasure.ROUTES,
    *excel.ROUTES,
    *haplo.ROUTES,
    *sunbird.ROUTES,
    *receiver.ROUTES,
    *restore.ROUTES,
    *users.ROUTES,
    *groups.ROUTES,
    *about.ROUTES,
)
