"""``caseledger verify``: proof that nothing was altered and the tables are true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from api.cli.database import opened, the_domains
from api.cli.output import Output, Record
from api.cli.progress import progress
from api.config import Config
from ledger.clock import now_micros
from ledger.clock_guard import how_far
from ledger.proof.checkpoint import SignedCheckpoint, read_checkpoint
from ledger.proof.domains import domains_anywhere, list_faults
from ledger.proof.notes import Earlier, Note, parse_note
from ledger.proof.signing import Untrusted, is_public_key
from ledger.store import Store
from projections.rebuild.verify import Verification
from projections.rebuild.verify import verify as prove


def verify(
    config: Config,
    *,
    domain: str | None,
    every: bool,
    against: Sequence[str],
    public_key: str | None,
    out: Output,
) -> int:
    if against and every:
        text = "--against is about one domain: leave out --all"
        raise click.UsageError(text)
    broken = checked = 0
    with opened(config) as store:
        names = the_domains(store, domain, every=every)
        if every:
            names = store.look(domains_anywhere)
            broken += _tell_list(store.look(list_faults), out)
        earlier = _earlier(against, names, public_key)
        for name in names:
            with progress(name) as tell:
                found = prove(store, name, against=earlier, progress=tell)
            out.each(_record(found), _lines(found, earlier))
            if found.position:
                _tell_of_clock(config, store, name)
            broken += not found.ok
            checked += 1
    if not checked:
        out.each({"ok": True, "domain": None}, ["ok: there is no domain"])
    if broken:
        click.echo("Error: the verification found differences", err=True)
    return 1 if broken else 0


def _tell_of_clock(config: Config, store: Store, name: str) -> None:
    """Say when a log has come to times that this machine's clock has not."""
    with store.reading(name) as reader:
        ahead = reader.head.appended_on - now_micros()
    if ahead > config.clock_jump * 1_000_000:
        text = f"{name}: the last entry is {how_far(ahead)} ahead of the clock"
        click.echo(text, err=True)


def _earlier(
    against: Sequence[str], domains: Sequence[str], public_key: str | None
) -> list[Earlier]:
    """Return what ``--against`` names; all of it must be about the one domain."""
    if public_key is not None and not is_public_key(public_key):
        text = f"'{public_key}' is no public key: it begins with ed25519:"
        raise click.UsageError(text)
    return [_one(text, domains[0], public_key) for text in against]


def _one(text: str, domain: str, public_key: str | None) -> Earlier:
    note: Note | None = parse_note(text)
    if note is not None:
        return note
    path = Path(text)
    if not path.is_file():
        problem = f"'{text}' is neither POSITION:DIGEST nor a signed checkpoint"
        raise click.UsageError(problem)
    found = read_checkpoint(path)
    _check(path, found, domain, public_key)
    click.echo(f"{path}: signed by {found.public_key} on {found.made_on}", err=True)
    return found


def _check(
    path: Path, found: SignedCheckpoint, domain: str, public_key: str | None
) -> None:
    if public_key not in {None, found.public_key}:
        text = f"{path} was signed by another key: {found.public_key}"
        raise Untrusted(text)
    if found.domain != domain:
        text = f"{path} is of the domain '{found.domain}'"
        raise Untrusted(text)


def _record(found: Verification) -> Record:
    return {
        "domain": found.domain,
        "ok": found.ok,
        "position": found.position,
        "digest": found.digest,
        "kinds": found.kinds,
        "rows": found.rows,
        "unproved": found.unproved,
        "breaks": [{"position": b.position, "text": b.text} for b in found.breaks],
        "differences": list(map(str, found.differences)),
        "files": list(map(str, found.files)),
    }


def _tell_list(faults: Sequence[str], out: Output) -> int:
    """Tell what is wrong with the list of domains; return 1 if anything is."""
    if faults:
        out.each({"domain": None, "ok": False, "faults": faults}, faults)
    return bool(faults)


def _lines(found: Verification, earlier: Sequence[Earlier]) -> list[str]:
    if found.ok:
        return [f"ok {found.domain}: {_counts(found, earlier)}"]
    breaks = [f"{found.domain}: position {b.position}: {b.text}" for b in found.breaks]
    rest = (f"{found.domain}: {told}" for told in (*found.files, *found.differences))
    return [*breaks, *rest]


def _counts(found: Verification, earlier: Sequence[Earlier]) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in sorted(found.kinds.items()))
    counted = sorted(found.rows.items())
    rows = ", ".join(f"{n} rows in {table}" for table, n in counted if n)
    unproved = ", ".join(f"{n} of {t}" for t, n in sorted(found.unproved.items()))
    noted = ", ".join(str(known.position) for known in earlier)
    parts = [
        f"{found.position} entries ({kinds})",
        rows,
        f"not provable, run caseledger domain restate: {unproved}" if unproved else "",
        f"as noted at position {noted}" if noted else "",
        # The last word is what --against takes some day.
        f"head {found.position}:{found.digest}",
    ]
    return "; ".join(part for part in parts if part)
