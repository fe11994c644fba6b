"""Large files are kept in parts, and come back as they were."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from ledger.bodies import PART, get_blob, parts_of_blob, present_blobs, put_file
from ledger.erasure.traces import drop_files
from tests.kit import build


@pytest.fixture
def domain(store):
    """Make a domain."""
    return build.a_domain(store)


def a_file(folder, length):
    """Write a file of this length, and tell its digest."""
    path = folder / str(length)
    content = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    path.write_bytes(content)
    return path, content, hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "length", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7]
)
def test_a_file_comes_back_as_it_was(store, domain, tmp_path, length):
    """Whether it fills its last part or not."""
    path, content, sha256 = a_file(tmp_path, length)
    for _ in range(2):
        with store.writing(domain) as writer:
            put_file(writer, path, sha256)
    with store.reading(domain) as reader:
        assert get_blob(reader, sha256) == content
        assert max(map(len, parts_of_blob(reader, sha256))) <= PART
        assert present_blobs(reader, [sha256]) == {sha256}


def test_a_file_that_is_dropped_leaves_no_part(store, domain, tmp_path):
    """Nothing of it can be found any more, and another one of its domain stays."""
    path, _, sha256 = a_file(tmp_path, 2 * PART + 1)
    other_path, other, other_sha256 = a_file(tmp_path, PART + 5)
    with store.writing(domain) as writer:
        put_file(writer, path, sha256)
        put_file(writer, other_path, other_sha256)
    with store.writing(domain) as writer:
        drop_files(writer, [sha256])
        assert get_blob(writer, sha256) is None
        assert get_blob(writer, other_sha256) == other
        left = writer.conn.raw.execute("SELECT count(*) FROM blob_parts").fetchone()
        assert left == (1,)


def test_storing_a_file_holds_a_few_parts_at_most(store, domain, tmp_path):
    """Whatever its length is."""
    path, _, sha256 = a_file(tmp_path, 24 * PART)
    with store.writing(domain) as writer:
        tracemalloc.start()
        put_file(writer, path, sha256)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 8 * PART
