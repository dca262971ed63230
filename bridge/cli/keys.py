"""`bridge keys`: API keys of callers, and the keys that seal, index and chain what is kept."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from bridge.cli import output
from bridge.cli.access import read, settings, who
from bridge.cli.acting import acting
from bridge.cli.options import Json, Why
from bridge.config import Settings
from bridge.errors import ConfigError
from bridge.pipeline.reindexing import reindex as reindex_all
from bridge.security import keyring
from bridge.security.api_keys import new_api_key
from bridge.security.audit import AuditChain
from bridge.security.keyring import KeyRing, Use, load_key_ring, save_key_ring
from bridge.security.redact import clean
from bridge.security.sealing import Sealer
from bridge.security.secrets import Secret
from bridge.store import facts, open_store, resealing
from bridge.store.audit import Hand
from bridge.store.unit import Tx

app = typer.Typer(help="API keys of callers; the key ring of this site.", no_args_is_help=True)
LEFT = "left-under"  # the name of the fact that says how many indexes stayed under an older key


@app.command("new")
def new() -> None:
    """Make an API key: the key goes to the caller and is shown once, the digest into a file of yours."""
    made = new_api_key()
    output.out.print(f"key     {made.token}", highlight=False, soft_wrap=True)
    output.out.print(f"digest  {made.digest}", highlight=False, soft_wrap=True)


@app.command("list")
def list_(as_json: Json = False) -> None:
    """The keys of the ring: what each is for, whether it is in use, how many rows need it."""
    ring = load_key_ring(settings().key_ring)
    needed = read(lambda tx: _needed(tx, ring))
    rows = [
        {
            "id": key.id,
            "use": key.use.value,
            "current": key == ring.of(key.use)[0],
            "rows": needed.get(key.id, 0),
        }
        for key in ring.keys
    ]
    if as_json:
        output.as_json(rows)
    else:
        output.table(("id", "use", "current", "rows"), rows, "The ring is empty.")


def _needed(tx: Tx, ring: KeyRing) -> dict[str, int]:
    left = {key.id: (facts.known(tx, f"{LEFT} {key.id}") or {"rows": 0})["rows"] for key in ring.keys}
    return left | resealing.rows_by_key(tx)


@app.command()
def rotate(
    why: Why,
    use: Annotated[Use, typer.Option(help="What the key is for: seal or audit.")] = Use.SEAL,
    prepare: Annotated[
        bool, typer.Option("--prepare", help="Only add it, so that every node has it before one uses it.")
    ] = False,
) -> None:
    """Make a new key and use it from now on; older ones still open what they sealed.

    With several nodes: --prepare, copy the ring to all of them and restart them, then `bridge keys use`.
    """
    if use is Use.INDEX:
        raise ConfigError("Index keys change with the bridge stopped: run `bridge keys reindex`.")
    path, ring = _ring(settings())
    made = keyring.prepare(ring, use) if prepare else keyring.rotate(ring, use)
    key = made.keys[-1 if prepare else 0].id
    save_key_ring(path, made, replaces=ring)
    with acting(why) as act:
        act("keys-renew", {"action": "keys-prepare" if prepare else "keys-rotate", "key": key})
    output.out.print(f"Key {key} is {'ready' if prepare else 'in use'}. Back the key ring up again.")


@app.command("use")
def use_(key: Annotated[str, typer.Argument(help="Id of a key that was prepared.")], why: Why) -> None:
    """Use a prepared key from now on. Every node must have it already."""
    path, ring = _ring(settings())
    made = keyring.promote(ring, key)
    if made.keys[0].use is Use.INDEX:
        raise ConfigError("Index keys change with the bridge stopped: run `bridge keys reindex`.")
    save_key_ring(path, made, replaces=ring)
    with acting(why) as act:
        act("keys-renew", {"action": "keys-rotate", "key": key})
    output.out.print(f"Key {key} is in use.")


@app.command()
def reseal(why: Why) -> None:
    """Seal everything anew under the current key, a few rows at a time; the bridge may run meanwhile."""
    total: dict[str, int] = {"done": 0, "damaged": 0}
    said: dict[str, Any] = {"place": resealing.PLACES[0], "after": ()}
    with acting(why) as act, Progress(console=output.err) as bar:
        task = bar.add_task("Sealing anew", total=None)
        while said["place"]:
            said = act("keys-reseal", {"place": said["place"], "after": said["after"]})
            total = {name: total[name] + said[name] for name in total}
            bar.update(task, advance=said["done"], description=f"Sealing anew: {said['place'] or 'done'}")
    output.out.print(f"{total['done']} sealed anew, {total['damaged']} that do not open were left.")
    raise typer.Exit(1 if total["damaged"] else 0)


@app.command()
def retire(
    key: Annotated[str, typer.Argument(help="Id of an older key.")],
    why: Why,
    although_lost: Annotated[
        bool,
        typer.Option("--although-lost", help="Give up an index key that some are found by only."),
    ] = False,
) -> None:
    """Take an older key out of the ring; refused while anything kept needs it. Backups may still need it."""
    path, ring = _ring(settings())
    rest = keyring.retire(ring, key)
    with acting(why) as act:
        act("keys-retire", {"key": key, "lost": although_lost})
        save_key_ring(path, rest, replaces=ring)
        act("keys-renew", {"action": "keys-retired", "key": key})
    output.out.print(f"Key {key} is out of the ring.")


@app.command()
def reindex(why: Why) -> None:
    """Make every blind index anew under a new key. Stop the bridge on every node first."""
    site = settings()
    path, ring = _ring(site)
    prepared = [key.id for key in ring.of(Use.INDEX)[1:]]
    indexed = asyncio.run(_indexed(site, ring))
    if indexed == ring.index_key:  # else an earlier run was cut off between store and ring
        ring_with = keyring.prepare(ring, Use.INDEX)
        save_key_ring(path, ring_with, replaces=ring)
        key = next(k.id for k in ring_with.of(Use.INDEX) if k.id not in {ring.index_key, *prepared})
        left = asyncio.run(_reindex(site, ring_with, key, why))
        ring, indexed = ring_with, key
        output.out.print(f"{left} indexes of people nobody holds any more stay under the older key.")
    save_key_ring(path, keyring.promote(ring, indexed), replaces=ring)
    output.out.print(f"Key {indexed} is in use. Start the bridge, and back the key ring up again.")


async def _indexed(site: Settings, ring: KeyRing) -> str:
    store = open_store(site.database_url, Sealer(ring), connections=2)
    try:
        return await store.read(facts.index_key) or ring.index_key
    finally:
        await store.close()


async def _reindex(site: Settings, ring: KeyRing, key: str, why: str) -> int:
    new = keyring.promote(ring, key)
    old = Sealer(ring)
    hand = Hand(actor=who(), why=clean(why), node=site.node, chain=AuditChain(ring))
    store = open_store(site.database_url, old, connections=2)

    def work(tx: Tx) -> int:
        left = reindex_all(tx, new, old, Sealer(new))
        facts.put(tx, f"{LEFT} {ring.index_key}", {"rows": left})
        hand.sign(tx, "keys-reindex", key)
        return left

    try:
        return await store.run(work)
    finally:
        await store.close()


def _ring(site: Settings) -> tuple[Path, KeyRing]:
    """The ring and its file; ConfigError for one in the environment, where nothing can be written."""
    path = Secret.parse(site.key_ring).path
    if path is None:
        raise ConfigError("The key ring is in an environment variable; change it where that is set.")
    return path, load_key_ring(site.key_ring)
