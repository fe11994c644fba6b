"""A file that was altered where it is kept is not imported (siege: S16).

Every kind of import, whatever was altered between the upload and the import of it.
"""

from __future__ import annotations

import json

import pytest

from importers.job_kinds import HANDLERS
from importers.jobs.turns import EXCEL, HAPLO, SUNBIRD
from ledger.bodies import PART
from ledger.errors import ALTERED
from ledger.jobs.values import JobState
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.haplo import batches as haplo
from tests.kit.intruder import intrude, put_file
from tests.kit.jobs import job_of, working
from tests.kit.spreadsheets import a_csv
from tests.kit.spreadsheets import enqueue as excel
from tests.kit.sunbird import uploads as sunbird

TRUE = json.dumps([{"name": "Ada"}]).encode()
INVENTED = json.dumps([{"name": "Eve"}]).encode()


@pytest.fixture(autouse=True)
def domain(store):
    """Make the domain of the tests."""
    build.a_domain(store)


def of_haplo(store, control=None):
    """Add a batch; return its job and the digests of its control file and its file."""
    control = control or haplo.a_control(haplo.NEW, haplo.NAME)
    job = haplo.enqueue(store, control, [("people", TRUE)])
    return job, job.options["control"], job.options["files"][0]["sha256"]


def haplo_file(store):
    job, _, digest = of_haplo(store)
    put_file(store, digest, INVENTED)
    return job, digest


def haplo_control(store):
    job, digest, _ = of_haplo(store)
    invented = haplo.a_control(haplo.NEW, haplo.NAME, haplo.constant("x", "planted"))
    put_file(store, digest, json.dumps(invented).encode())
    return job, digest


def excel_file(store):
    job = excel(store, a_csv(["case_id", "name"], ["", "Ada"]))
    digest = job.options["file"]["sha256"]
    put_file(store, digest, a_csv(["case_id", "name"], ["", "Eve"]))
    return job, digest


def excel_part(store):
    """Alter the last row of a file of two parts; the first one is sound."""
    rows = [["", "Ada" + "a" * 100]] * (PART // 100)
    job = excel(store, a_csv(["case_id", "name"], *rows))
    intrude(store, "blob_parts", "UPDATE blob_parts SET content = '' WHERE number = 1")
    return job, job.options["file"]["sha256"]


def sunbird_file(store):
    rows = a_csv(sunbird.PLACES, ["KA", "Karnataka", "", ""])
    job = sunbird.enqueue(store, "location", rows, location_type="state")
    [file] = job.options["files"]
    invented = a_csv(sunbird.PLACES, ["EV", "Evil", "", ""])
    put_file(store, file["sha256"], invented)
    return job, file["sha256"]


WAYS = {
    "a file of a batch": haplo_file,
    "a control file": haplo_control,
    "a sheet": excel_file,
    "the end of a sheet": excel_part,
    "an upload": sunbird_file,
}


@pytest.mark.parametrize("altered", WAYS.values(), ids=WAYS)
async def test_an_altered_file_is_not_imported(store, altered):
    """The job fails and says which file; no case is made, and the proof names it."""
    job, digest = altered(store)
    before = len(build.cases_of(store))
    async with working(store, HANDLERS) as worker:
        await worker.see_through(job.key)
    ended = job_of(store, job)
    assert (ended.state, ended.problem) == (
        JobState.FAILED,
        f"The file with the digest {digest} of 'demo' {ALTERED}",
    )
    assert len(build.cases_of(store)) == before == 0
    assert [e for e in build.entries_of(store) if e.form_id] == []
    found = verify(store, build.DOMAIN)
    assert not found.ok
    assert f"jobs {job.job_id}: the file {digest} was altered" in map(str, found.files)


async def test_a_batch_that_met_an_altered_file_has_an_end(store):
    """The log has the note of its start, and the one of its end."""
    job, _ = haplo_file(store)
    async with working(store, HANDLERS) as worker:
        await worker.see_through(job.key)
    [line] = haplo.log_of(store, job_of(store, job))
    assert line.startswith("EXCEPTION: Error during import: The file with the ")
    actions = [e.details.get("action", "") for e in build.entries_of(store)]
    assert [a for a in actions if a.startswith("haplo")] == [
        "haplo_data_import_batch:start",
        "haplo_data_import_batch:end",
    ]


@pytest.mark.parametrize("kind", [HAPLO, EXCEL, SUNBIRD])
async def test_the_true_file_is_imported(store, kind):
    """What the tests above alter is sound."""
    job = {
        HAPLO: lambda: of_haplo(store)[0],
        EXCEL: lambda: excel(store, a_csv(["case_id", "name"], ["", "Ada"])),
        SUNBIRD: lambda: sunbird.enqueue(
            store,
            "location",
            a_csv(sunbird.PLACES, ["KA", "Karnataka", "", ""]),
            location_type="state",
        ),
    }[kind]()
    async with working(store, HANDLERS) as worker:
        await worker.see_through(job.key)
    assert job_of(store, job).state is JobState.DONE
    assert len(build.cases_of(store)) == 1
    assert verify(store, build.DOMAIN).ok
