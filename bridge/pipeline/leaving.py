"""A practice leaves: drained first, then exported, then deleted; a certificate says what went."""

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from bridge.errors import Problem, Unacceptable
from bridge.pipeline.context import Context
from bridge.schemes import Mode
from bridge.sources import emis
from bridge.store import audit, leaving, told
from bridge.store.audit import Hand
from bridge.store.subjects import Trail
from bridge.store.unit import Tx

LEAVE = "practice-leave"
AT_ONCE = 100  # referrals, events or rows of one unit


def state(tx: Tx, ctx: Context, practice: str) -> dict[str, Any]:
    """Its mode, and what is still under way."""
    found = ctx.rulebook.of_practice(practice)
    mode = found[1].mode.value if found else Mode.OFF.value
    return {"practice": practice, "mode": mode, **leaving.under_way(tx, practice)}


def export(tx: Tx, practice: str, after: str) -> dict[str, Any]:
    """Some of what is the practice's behind `after`, and where to go on ("" at the end).

    Its referrals with all that belongs to them, then the events that no referral came of, then the source's
    rows.
    """
    part, _, last = after.partition(":")
    if part == "row":
        kind, owner, key = last.split("/", 2) if last else ("", "", "")
        rows = leaving.rows_held(tx, emis.owners_of(tx, practice), (kind, owner, key), AT_ONCE)
        following = "/".join(rows[-1]) if len(rows) == AT_ONCE else ""
        return _page(tx, f"row:{following}" if following else "", held=tuple(rows))
    if part == "event":
        events = leaving.events_alone(tx, practice, last, AT_ONCE)
        return _page(tx, f"event:{events[-1]}" if len(events) == AT_ONCE else "row:", events=tuple(events))
    ids = leaving.referrals_of(tx, practice, last, AT_ONCE)
    return _page(
        tx,
        f"referral:{ids[-1]}" if len(ids) == AT_ONCE else "event:",
        indexes=leaving.indexes_of(tx, ids),
        referrals=tuple(ids),
        events=tuple(leaving.events_of(tx, ids)),
    )


def _page(tx: Tx, after: str, indexes: frozenset[str] = frozenset(), **found: Any) -> dict[str, Any]:
    return {"after": after, "content": told.everything(tx, Trail(indexes=indexes, **found))}


def delete(tx: Tx, ctx: Context, practice: str) -> dict[str, Any]:
    """One step of the deletion; Unacceptable while anything is under way or the practice is not off."""
    now = state(tx, ctx, practice)
    if now["mode"] != Mode.OFF.value or any(now[each] for each in ("referrals", "deliveries", "events")):
        raise Unacceptable(problems=(Problem(code="practice-under-way"),))
    ids = leaving.referrals_of(tx, practice, "", AT_ONCE)
    if ids:
        return {"gone": leaving.drop_referrals(tx, ids), "more": True}
    return {"gone": leaving.drop_rest(tx, practice, emis.owners_of(tx, practice)), "more": False}


def certify(tx: Tx, hand: Hand, practice: str, gone: Counter[str], export_sha256: str) -> dict[str, Any]:
    """What went, when and by whom, bound to the row of the audit chain that says so."""
    counts = {name: n for name, n in sorted(gone.items()) if n}
    digest = hashlib.sha256(orjson.dumps([practice, counts, export_sha256])).hexdigest()
    replace(hand, why=f"{hand.why} certificate {digest}").sign(tx, LEAVE, practice)
    row, link = audit.last(tx, hand.node)
    return {
        "practice": practice,
        "rows_deleted": counts,
        "export_sha256": export_sha256,
        "at": datetime.fromtimestamp(row["at"] / 1000, UTC).isoformat(timespec="seconds"),
        "by": row["actor"],
        "digest": digest,
        "audit": {"node": row["node"], "n": row["n"], "link": link.hex()},
        "not_reached": "backups made before; the service's and the practice's own records",
    }
