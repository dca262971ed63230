"""`bridge backup`, `restore`, `hold`, `reconcile`, `resume`: after the machine was lost, nothing doubled."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from bridge.app import open_bridge
from bridge.cli import access, output
from bridge.cli.acting import Act, acting
from bridge.cli.options import Json, Why
from bridge.config import Settings
from bridge.security.keyring import load_key_ring
from bridge.store import copying, hold, restoring
from bridge.store.audit import Hand
from bridge.store.hold import Hold
from bridge.store.unit import Tx

PG_DUMP = """\
This bridge uses PostgreSQL, whose own tools make the backup, while the bridge runs:

    pg_dump --format=custom --file={file} "$DATABASE_URL"

To put it back: stop every node, pg_restore it into an empty database, then before any node starts
`bridge hold --restored --why …`, and after that `bridge reconcile` and `bridge resume`.
"""


def add_to(app: typer.Typer) -> None:
    """Put the commands of this file on the main command."""
    for name, command in (
        ("backup", backup),
        ("restore", restore),
        ("hold", hold_),
        ("reconcile", reconcile),
        ("resume", resume),
    ):
        app.command(name)(command)


def backup(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="A new file; it must not be there yet.")],
    as_json: Json = False,
) -> None:
    """Copy the SQLite database into one file while the bridge runs; the keys are never in it."""
    site = access.settings()
    if not _is_sqlite(site):
        output.err.print(PG_DUMP.format(file=file), highlight=False)
        raise typer.Exit(2)
    started = time.monotonic()
    size = copying.back_up(_database(site), file, node=site.node)
    keys = load_key_ring(site.key_ring).fingerprint()
    made = {"file": str(file), "bytes": size, "keys": keys, "took_s": round(time.monotonic() - started, 1)}
    if as_json:
        output.as_json(made)
        return
    output.out.print(f"{file}: {size:,} bytes in {made['took_s']} s", highlight=False)
    ids = ", ".join(part.partition(":")[0] for part in keys.split())
    output.out.print(f"It opens with the key ring that holds {ids}; back that up elsewhere.", highlight=False)


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A file of `bridge backup`.")],
    why: Why,
) -> None:
    """Put a backup in the place of the database while no bridge runs; it starts held."""
    site = access.settings()
    if not _is_sqlite(site):
        output.err.print(PG_DUMP.format(file=file), highlight=False)
        raise typer.Exit(2)
    standing = Hold(by=access.who(), why=why, at=time.time_ns() // 1_000_000, restored=True)
    aside = copying.put_back(file, _database(site), load_key_ring(site.key_ring), asdict(standing))
    held = asyncio.run(_restored(site, standing))
    for path in aside:
        output.out.print(f"What was there is kept as {path}.", highlight=False)
    output.out.print(
        "Put back, and held: doors answer 503 and nothing is sent.\n"
        f"The newest in it: {_newest(held.newest)}.\n"
        "Next: `bridge reconcile`, then `bridge resume`.",
        highlight=False,
    )


def _newest(ms: int) -> str:
    return output.when(ms) if ms else "nothing, it is empty"


async def _restored(site: Settings, standing: Hold) -> Hold:
    """Note in the database that was put back up to when it reaches, and who did it."""
    async with open_bridge(site) as bridge:
        hand = Hand(actor=standing.by, why=standing.why, node=site.node, chain=bridge.chain)

        def note(tx: Tx) -> Hold:
            held = Hold(**{**asdict(standing), "newest": restoring.newest(tx)})
            hold.put(tx, held)
            hand.sign(tx, "restore", hand.node)
            return held

        return await bridge.store.run(note)


def hold_(
    why: Annotated[str, typer.Option(help="Stand still from now on, for this reason. No patient data.")] = "",
    restored: Annotated[bool, typer.Option(help="PostgreSQL: a backup was put back.")] = False,
    as_json: Json = False,
) -> None:
    """Say whether the bridge stands still, and who had it so; with a reason, have it stand still."""
    if why:
        with acting(why) as act:
            act("hold", {"restored": restored})
    standing = access.read(hold.standing)
    if as_json:
        output.as_json(None if standing is None else asdict(standing))
    elif standing is None:
        output.out.print("The bridge is not held.")
    else:
        kind = "restored and held" if standing.restored else "held"
        since = output.when(standing.at)
        output.out.print(f"{kind} by {standing.by} since {since}: {standing.why}", highlight=False)
    raise typer.Exit(1 if standing and not why else 0)


def reconcile(as_json: Json = False) -> None:
    """After a restore: ask partners what arrived; say who must tell what again. Exits 1 when in doubt."""
    with acting("reconcile") as act:
        looked = list(_looked(act))
    lost = access.read(_lost)
    counts = Counter(each["now"] for each in looked)
    if as_json:
        output.as_json({"counts": counts, "deliveries": looked, **lost})
    else:
        _tell(looked, lost)
    raise typer.Exit(1 if counts["unlooked"] or counts["gone"] else 0)


def _looked(act: Act) -> Iterator[dict[str, Any]]:
    after: str | None = ""
    while after is not None:
        done = act("reconcile-step", {"after": after})
        after = done["after"]
        yield from done["looked"]


def _lost(tx: Tx) -> dict[str, Any]:
    standing = hold.standing(tx)
    return {"newest": standing.newest if standing else 0, **restoring.ends(tx)}


def _tell(looked: list[dict[str, Any]], lost: dict[str, Any]) -> None:
    quiet = ("there",)
    columns = ("id", "partner", "kind", "was", "now", "code")
    told = [each for each in looked if each["now"] not in quiet]
    output.table(columns, told, "Nothing was on its way.")
    output.out.print(f"\nThe newest that is known here: {_newest(lost['newest'])}.", highlight=False)
    output.out.print("[bold]Ask each sender to send again what it sent after:[/]")
    output.table(("source", "caller", "at"), lost["senders"], "Nobody ever sent anything.")
    if lost["extracts"]:
        output.out.print("[bold]Put extracts newer than this into the drop folder again:[/]")
        output.table(("source", "at"), lost["extracts"], "")
    if lost["polls"]:
        output.out.print("[bold]Asked again by the bridge itself, from:[/]")
        output.table(("partner", "resource", "since"), lost["polls"], "")


def resume(
    why: Why,
    park: Annotated[
        bool,
        typer.Option(help="Leave every delivery to a person that could not be looked up after a restore."),
    ] = False,
) -> None:
    """Go on after a hold: doors take messages, and what waits is sent."""
    with acting(why) as act:
        lifted = act("resume", {"park": park})
    parked = f" Deliveries parked: {lifted['parked']}." if lifted["parked"] else ""
    output.out.print(f"The bridge goes on.{parked}")


def _is_sqlite(site: Settings) -> bool:
    return site.database_url.startswith("sqlite:")


def _database(site: Settings) -> Path:
    return Path(site.database_url.removeprefix("sqlite:"))
