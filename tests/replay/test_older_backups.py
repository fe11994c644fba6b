"""A ledger of an older release gives the same cases (rules/design.md 2.7).

Each folder of ``older`` holds a backup and what a server of the program that wrote it
answered; ``tests/kit/older.py`` made both, run on that program.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import orjson
import pytest

from ledger.backup.write import heads_of
from ledger.migrations import migrate
from ledger.store import open_store
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.backups import restore
from tests.kit.older import ANSWERS, BACKUP, answers

FOLDERS = sorted(Path(__file__).with_name("older").iterdir())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
async def test_a_backup_of_an_older_program_gives_the_same_answers(empty_url, folder):
    """What today's fold makes of it is proved, and told as it was told then."""
    store = open_store(empty_url)
    migrate(store)
    restore(store, (folder / BACKUP).read_bytes())
    (head,) = heads_of(store.connection)
    assert verify(store, build.DOMAIN).ok
    store.close()
    told = orjson.loads(gzip.decompress((folder / ANSWERS).read_bytes()))
    found = await answers(empty_url, head.position)
    assert found.keys() == told.keys()
    for path, answer in told.items():
        assert found[path] == answer, path
