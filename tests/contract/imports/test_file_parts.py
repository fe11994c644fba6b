"""Large files are kept in parts, and come back as they were."""

from __future__ import annotations

import hashlib
import tracemalloc

import pytest

from ledger.bodies import (
    PART,
    file_to_store,
    get_blob,
    parts_of_blob,
    present_blobs,
    put_file,
)
from ledger.erasure.traces import drop_files
from tests.kit import build


@pytest.fixture
def domain(store):
    """Make a domain."""
    return build.a_domain(store)


def a_file(folder, length):
    """Write a file of this length, as it is told to the store."""
    path = folder / str(length)
    content = (b"0123456789abcdef" * (length // 16 + 1))[:length]
    path.write_bytes(content)
    file = file_to_store(path, path.name)
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert file.length == length
    return file, content


@pytest.mark.parametrize(
    "length", [0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 7]
)
def test_a_file_comes_back_as_it_was(store, domain, tmp_path, length):
    """Whether it fills its last part or not."""
    file, content = a_file(tmp_path, length)
    for _ in range(2):
        with store.writing(domain) as writer:
            put_file(writer, file)
    with store.reading(domain) as reader:
        assert get_blob(reader, file.sha256) == content
        assert max(map(len, parts_of_blob(reader, file.sha256))) <= PART
        assert present_blobs(reader, [file.sha256]) == {file.sha256}


def test_a_file_that_is_dropped_leaves_no_part(store, domain, tmp_path):
    """Nothing of it can be found any more, and another one of its domain stays."""
    file, _ = a_file(tmp_path, 2 * PART + 1)
    other, content = a_file(tmp_path, PART + 5)
    with store.writing(domain) as writer:
        put_file(writer, file)
        put_file(writer, other)
    with store.writing(domain) as writer:
        drop_files(writer, [file.sha256])
        assert get_blob(writer, file.sha256) is None
        assert get_blob(writer, other.sha256) == content
        left = writer.conn.raw.execute("SELECT count(*) FROM blob_parts").fetchone()
        assert left == (1,)


def test_storing_a_file_holds_a_few_parts_at_most(store, domain, tmp_path):
    """Whatever its length is."""
    file, _ = a_file(tmp_path, 24 * PART)
    with store.writing(domain) as writer:
        tracemalloc.start()
        put_file(writer, file)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 8 * PART
