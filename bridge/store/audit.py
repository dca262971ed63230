"""Human actions and disclosures, each row linked by a keyed hash to the one before it on the same node."""

from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import bindparam, insert, select, tuple_

from bridge.store.tables import audit
from bridge.store.unit import Tx

FIRST = bytes(32)


class Chain(Protocol):
    """What makes a link (bridge.security.audit)."""

    def link(self, previous: bytes, row: dict[str, Any]) -> bytes: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Hand:
    """Who acts, from which node, and why; `chain` makes the audit links."""

    actor: str
    why: str
    node: str
    chain: Chain

    def sign(self, tx: Tx, action: str, subject: str) -> None:
        """Add a row; `subject` is an id of ours, never a person's."""
        tx.lock(f"audit|{self.node}")
        last = tx.run(
            select(audit.c.n, audit.c.mac)
            .where(audit.c.node == self.node)
            .order_by(audit.c.n.desc())
            .limit(1)
        ).first()
        n, previous = (1, FIRST) if last is None else (last.n + 1, last.mac)
        row = {
            "node": self.node,
            "n": n,
            "at": tx.now,
            "actor": self.actor,
            "action": action,
            "subject": subject,
            "why": self.why,
        }
        tx.run(insert(audit), {**row, "mac": self.chain.link(previous, row)})


def rows(tx: Tx, node: str) -> list[tuple[dict[str, Any], bytes]]:
    """Every row of a node with its link, in order."""
    found = tx.run(select(audit).where(audit.c.node == node).order_by(audit.c.n)).mappings()
    return [({str(k): v for k, v in row.items() if k != "mac"}, row["mac"]) for row in found]


def nodes(tx: Tx) -> list[str]:
    """The nodes that wrote rows."""
    return list(tx.run(select(audit.c.node).distinct().order_by(audit.c.node)).scalars())


_SHOWN = select(*(audit.c[name] for name in ("node", "n", "at", "actor", "action", "subject", "why")))
PAGE = (
    _SHOWN.where(tuple_(audit.c.at, audit.c.node, audit.c.n) < tuple_(*map(bindparam, ("at", "node", "n"))))
    .order_by(audit.c.at.desc(), audit.c.node.desc(), audit.c.n.desc())
    .limit(bindparam("most"))
)
ABOUT = (
    _SHOWN.where(audit.c.subject == bindparam("subject")).order_by(audit.c.at.desc()).limit(bindparam("most"))
)


def page(tx: Tx, before: tuple[int, str, int], limit: int) -> list[dict[str, Any]]:
    """What people did, the newest first; `before` is (ms, node, number)."""
    at, node, n = before
    found = tx.run(PAGE, {"at": at, "node": node, "n": n, "most": limit})
    return [dict(row) for row in found.mappings()]


def about(tx: Tx, subject: str, limit: int) -> list[dict[str, Any]]:
    """What people did with one thing, the newest first."""
    return [dict(row) for row in tx.run(ABOUT, {"subject": subject, "most": limit}).mappings()]


def last(tx: Tx, node: str) -> tuple[dict[str, Any], bytes]:
    """The newest row of a node with its link; LookupError when it wrote none."""
    query = select(audit).where(audit.c.node == node).order_by(audit.c.n.desc()).limit(1)
    row = tx.run(query).mappings().one()
    return {str(k): v for k, v in row.items() if k != "mac"}, row["mac"]
