"""A file that this process received is not written down a second time."""

from __future__ import annotations

import asyncio

import pytest

from importers.jobs.handover import Handover
from importers.jobs.stored_file import write_stored
from importers.jobs.worker import JobContext
from ledger.bodies import PART, file_to_store, put_file
from ledger.jobs.queue import enqueue, get_job
from tests.kit import build
from tests.kit.jobs import working


@pytest.fixture
def uploads():
    """Lend a place where files wait."""
    lent = Handover()
    yield lent
    lent.close()


def a_file(folder, content=b"a,b\n1,2\n"):
    """Write a file as an upload leaves it."""
    path = folder / "upload"
    path.write_bytes(content)
    return path


async def test_a_file_is_moved_to_its_job_once(uploads, tmp_path):
    """By its domain and its digest; it is gone then."""
    given = a_file(tmp_path)
    inode = given.stat().st_ino
    uploads.offer("demo", "d1", given)
    assert not given.exists()
    for other in (("other", "d1"), ("demo", "d2")):
        assert not uploads.take(*other, tmp_path / "taken")
    assert uploads.take("demo", "d1", tmp_path / "taken")
    assert (tmp_path / "taken").read_bytes() == b"a,b\n1,2\n"
    assert (tmp_path / "taken").stat().st_ino == inode
    assert not uploads.take("demo", "d1", tmp_path / "again")


async def test_what_nobody_takes_is_dropped(tmp_path):
    """It holds records of people: another process has the job, or it waits for long."""
    uploads = Handover(seconds=0.0)
    uploads.offer("demo", "d1", a_file(tmp_path))
    for _ in range(3):
        await asyncio.sleep(0)  # each turn of the loop runs what is due
    assert not uploads.take("demo", "d1", tmp_path / "taken")
    uploads.close()


async def test_a_job_reads_what_is_stored_where_nothing_was_handed_over(
    store, tmp_path
):
    """A worker of another process has the same bytes, and so after a restart."""
    build.a_domain(store)
    content = b"x" * (2 * PART + 1)
    file = file_to_store(a_file(tmp_path, content), "upload")
    with store.writing(build.DOMAIN) as writer:
        put_file(writer, file)
        job = enqueue(writer, kind="k", options={}, user_id="u", now=build.NOW)
    async with working(store, {}) as worker:
        context = JobContext(get_job(store.connection, job.key), worker)
        assert await write_stored(context, file.sha256, tmp_path / "stored")
        assert (tmp_path / "stored").read_bytes() == content
        worker.uploads.offer(build.DOMAIN, file.sha256, file.path)
        assert await write_stored(context, file.sha256, tmp_path / "moved")
        assert (tmp_path / "moved").read_bytes() == content
        assert not await write_stored(context, "none", tmp_path / "none")
