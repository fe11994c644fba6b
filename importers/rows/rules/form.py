"""The forms that rows are submitted as. Pure.

That of a record says in its root which record of which file it was
(``rules/batch-imports.md`` R0.7).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ledger.entry import Author
from ledger.forms.case_block import CaseBlock
from ledger.forms.case_text import write_case_blocks
from ledger.forms.form_xml import write_meta
from ledger.forms.xml import xml_safe
from ledger.forms.xml_text import as_text, written_form
from ledger.ids import derived_id
from ledger.times import Instant


@lru_cache(maxsize=1024)
def form_id_of(api: str, domain: str, job_id: str, record: int) -> str:
    """Return the id of the form of a record (rule R0.4), which is asked for often."""
    return derived_id(f"{api}:{domain}:{job_id}:{record}")


def case_id_of(api: str, domain: str, job_id: str, record: int, number: int) -> str:
    """Return the id of the ``number``-th case that a record creates (rule R0.4)."""
    return derived_id(f"{api}:{domain}:{job_id}:{record}:{number}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where records come from, for their ids, their forms and what is kept of them.

    The author's device is the API.
    """

    api: str
    domain: str
    job_id: str
    file: str
    xmlns: str
    author: Author

    def form_id(self, record: int) -> str:
        """Return the id of the form of a record."""
        return form_id_of(self.api, self.domain, self.job_id, record)

    def case_id(self, record: int, number: int) -> str:
        """Return the id of the ``number``-th case that a record creates."""
        return case_id_of(self.api, self.domain, self.job_id, record, number)


def build_record(
    blocks: Iterable[CaseBlock],
    origin: Origin,
    *,
    number: int,
    head: Mapping[str, str],
    now: Instant,
) -> bytes:
    """Return the bytes of a record's form; ``head`` are the texts that tell more of it.

    Raises ``ValueError`` for what XML cannot carry.
    """
    xmlns, author = origin.xmlns, origin.author
    about = {"batch": origin.job_id, "file": origin.file, "record": str(number)}
    texts = {**about, **head}
    told = [f"<{name}>{as_text(xml_safe(texts[name]))}</{name}>" for name in texts]
    meta = write_meta(origin.form_id(number), author=author, now=now)
    written = write_case_blocks(blocks, now=now, user_id=author.user_id)
    return written_form("data", xmlns, (*told, meta, *written))


def linked(block: CaseBlock, is_stored: Callable[[str], bool]) -> CaseBlock:
    """Return a block as a dry run can try it: with its links to stored cases alone.

    What rows before would have made is in no table, so the fold would miss it.
    """
    if not block.indices:
        return block
    kept = tuple(i for i in block.indices if is_stored(i.case_id))
    return block if len(kept) == len(block.indices) else block._replace(indices=kept)
