"""The heads of the audit chains, told once a day: in the log, and in a file to be kept somewhere else.

A chain shows that a row was altered or taken out. That rows are missing at its end only a head can show that
was kept where whoever cut it could not reach.
"""

import asyncio
import base64
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import orjson

from bridge.errors import ConfigError
from bridge.events import Event, emit
from bridge.pipeline.turning import turn
from bridge.security.audit import AuditChain, Head
from bridge.store import Store, audit, facts
from bridge.store.unit import Tx

FILE = "audit-heads.jsonl"  # in the data folder
TURN = "audit-heads"
DAY_MS = 86_400_000
LEASE_MS = 600_000

Heads = dict[str, list[Head]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where a chain does not hold: the number of the row, from 1, of that node."""

    node: str
    row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadKeeper:
    """Tells the heads once a day, whichever node comes first."""

    store: Store
    file: Path
    node: str

    async def daily(self, stop: asyncio.Event) -> None:
        """Until `stop`."""
        await turn(stop, TURN, self._look, every_s=LEASE_MS / 1000)

    async def _look(self) -> bool:
        await self.tell()
        return False

    async def tell(self, *, every_ms: int = DAY_MS) -> Heads:
        """Tell every head now, unless that was done within `every_ms`."""
        found = await self.store.run(lambda tx: self._due(tx, every_ms))
        for node, (head,) in found.items():
            emit(Event.AUDIT_HEAD, of=node, rows=head.length, link=written(head.link))
        append(self.file, found)
        return found

    def _due(self, tx: Tx, every_ms: int) -> Heads:
        if not facts.take_turn(tx, TURN, node=self.node, every_ms=every_ms, lease_ms=LEASE_MS):
            return {}
        facts.end_turn(tx, TURN)
        return heads(tx)


def heads(tx: Tx) -> Heads:
    """How long the chain of each node is now, and its last link."""
    last = {node: audit.last(tx, node) for node in audit.nodes(tx)}
    return {node: [Head(length=row["n"], link=link)] for node, (row, link) in last.items()}


def written(link: bytes) -> str:
    """A link as text without a run of digits that could be taken for a number of a person."""
    return base64.b32encode(link).decode().rstrip("=").lower()


def append(file: Path, found: Heads) -> None:
    """Add heads to the file, one line each; it is private and only ever grows."""
    lines = b"".join(
        orjson.dumps({"node": node, "rows": head.length, "link": written(head.link)}) + b"\n"
        for node, some in found.items()
        for head in some
    )
    if lines:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as opened:
            opened.write(lines)


def read_heads(file: Path) -> Heads:
    """The heads that were told, by node; none without the file. ConfigError when a line is none."""
    found: Heads = {}
    if not file.exists():
        return found
    for n, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            said = orjson.loads(line)
            link = base64.b32decode(said["link"].upper() + "====")
            found.setdefault(said["node"], []).append(Head(length=said["rows"], link=link))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise ConfigError(f"Line {n} of {file} is no head of an audit chain.") from None
    return found


def verify(tx: Tx, chain: AuditChain, told: Heads) -> list[Broken]:
    """The first row of each node that does not hold, or where a head says that more or others were there."""
    nodes = sorted({*audit.nodes(tx), *told})
    return [broken for node in nodes if (broken := _verify(tx, chain, node, told.get(node, ())))]


def _verify(tx: Tx, chain: AuditChain, node: str, told: Iterable[Head]) -> Broken | None:
    rows = audit.rows(tx, node)
    places = [chain.verify(rows)]
    for head in told:
        if head.length > len(rows):
            places.append(len(rows))
        elif head.length and rows[head.length - 1][1] != head.link:
            places.append(head.length - 1)
    broken = [place for place in places if place is not None]
    return Broken(node=node, row=min(broken) + 1) if broken else None
