"""How everything is now, and what came and went in the last 24 hours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.ops.checks import Check, Status
from bridge.ops.page.office import Office
from bridge.ops.vitals import Report
from bridge.store import flow, pages
from bridge.store.flow import Hour
from bridge.store.unit import Tx

HOUR = 3_600_000
HOURS = 24
SETTLED_AFTER = 120_000  # ms after its end, nothing is added to an hour any more
REASONS = 5  # of what is parked, on the first page


@dataclass(slots=True)
class Flow:
    """Counts of whole hours, each counted once."""

    _known: dict[int, Hour] = field(default_factory=dict)

    def day(self, tx: Tx, now: int) -> list[Hour]:
        """The last 24 hours up to the end of this one, the oldest first."""
        this = now - now % HOUR
        begins = [this - n * HOUR for n in reversed(range(HOURS))]
        self._known = {begin: self._known[begin] for begin in begins if begin in self._known}
        return [self._hour(tx, begin, now) for begin in begins]

    def _hour(self, tx: Tx, begin: int, now: int) -> Hour:
        found = self._known.get(begin) or flow.hour(tx, begin, begin + HOUR)
        if now > begin + HOUR + SETTLED_AFTER:
            self._known[begin] = found
        return found


@dataclass(slots=True, kw_only=True)
class Partner:
    """One partner as its checks tell; `breaker` is "" on a node that does not send."""

    name: str
    breaker: Check | None = None
    waiting: int = 0
    states: Mapping[str, int] = field(default_factory=dict)
    oldest: Check | None = None
    urgent: Check | None = None
    parked: Check | None = None
    cancels: Check | None = None

    @property
    def status(self) -> Status:
        """The worst of its checks."""
        checks = (self.breaker, self.oldest, self.urgent, self.parked, self.cancels)
        unwell = any(check is not None and check.status is not Status.PASS for check in checks)
        return Status.WARN if unwell else Status.PASS


async def told(office: Office, flows: Flow) -> dict[str, Any]:
    """What the first page shows."""
    report = await office.vitals.report()

    def look(tx: Tx) -> tuple[list[Hour], list[pages.Pile]]:
        return flows.day(tx, tx.now), pages.parked_piles(tx)

    hours, piles = await office.store.read(look)
    partners = partners_of(report)
    return {
        "report": report,
        "unwell": _by_code(report),
        "partners": partners,
        "waiting": sum(partner.waiting for partner in partners),
        "oldest": min((p.oldest.since for p in partners if p.oldest and p.oldest.since), default=None),
        "piles": piles[:REASONS],
        "reasons": len(piles),
        "parked": sum(pile.n for pile in piles),
        "parked_more": any(pile.more for pile in piles),
        "hours": hours,
        "tallest": max(1, *(max(hour.received, hour.forwarded, hour.filed) for hour in hours)),
        "sums": {
            name: sum(getattr(hour, name) for hour in hours) for name in ("received", "forwarded", "filed")
        },
        "more": any(hour.more for hour in hours),
    }


def _by_code(report: Report) -> list[tuple[str, list[Check]]]:
    """What is not well, the same of several places told once, the worst first."""
    found: dict[str, list[Check]] = {}
    for check in report.checks:
        if check.status is not Status.PASS:
            found.setdefault(check.code, []).append(check)
    return list(found.items())


def partners_of(report: Report) -> list[Partner]:
    """Each partner with its checks, in order of names."""
    found: dict[str, Partner] = {}
    for check in report.checks:
        if check.name in _FIELDS or check.name == "partner:queue":
            partner = found.setdefault(check.of, Partner(name=check.of))
            if check.name == "partner:queue":
                partner.waiting, partner.states = int(check.value or 0), check.detail
            else:
                setattr(partner, _FIELDS[check.name], check)
    return [found[name] for name in sorted(found)]


_FIELDS = {
    "partner:breaker": "breaker",
    "partner:oldest": "oldest",
    "partner:urgent": "urgent",
    "parked:deliveries": "parked",
    "parked:cancels": "cancels",
}
