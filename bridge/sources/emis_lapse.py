"""When the time of a held row is over: what waited is listed for a person once, and the rest is forgotten.

A listed entry goes on waiting for a while: the missing row may still come, and then it is forwarded.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bridge.errors import Problem
from bridge.sources.emis_shelf import DAY, HALF, KINDS, LISTED, WAITING, ods_of
from bridge.store import held
from bridge.store.held import Row
from bridge.store.unit import Tx

GRACE = 76  # days an entry waits on after it was listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Lapsed:
    """Something that waited too long: an entry by its key. `practice` is its ODS code, "" when not known."""

    practice: str
    owner: str
    record: str
    problem: Problem


def lapse(tx: Tx, limit: int = 500) -> tuple[Lapsed, ...]:
    """Settle rows whose time is over, up to `limit` of each kind; list what this gives in the same commit."""
    lapsed: list[Lapsed] = []
    for kind in sorted({kind.name for kind in KINDS if kind.days is not None}):
        for row in list(held.overdue(tx, kind, limit)):
            lapsed += _settled(tx, row)
    return tuple(lapsed)


def _settled(tx: Tx, row: Row) -> Iterator[Lapsed]:
    code = "" if LISTED in row.fields else _overdue_code(row)
    if code:
        at = row.fields.get("Wait.At", "")
        practice, problem = ods_of(tx, row.owner), Problem(code=code, at=at)
        yield Lapsed(practice=practice, owner=row.owner, record=row.key, problem=problem)
    if code and row.kind == WAITING.name:
        waiting = replace(
            row,
            fields=row.fields | {LISTED: code},
            also=row.fields.get("Observation.PatientGuid", ""),
            until=tx.now + GRACE * DAY,
        )
        held.put(tx, [waiting])
    else:
        held.drop(tx, row.kind, row.owner, row.key)


def _overdue_code(row: Row) -> str:
    """Under which code a row is listed; "" for one that may be forgotten.

    A half with a UBRN went through the NHS e-Referral Service, which adds the number a day later and so sends
    the half alone: listed, they would bury the few that matter.
    """
    if row.kind == WAITING.name:
        return row.fields["Wait.For"]
    alone = row.kind == HALF.name and "Referral.ReferralUBRN" not in row.fields
    return "emis-half-alone" if alone else ""
