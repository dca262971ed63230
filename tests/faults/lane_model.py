"""What lanes should do, in plain Python: no database, one list of deliveries for each lane."""

from dataclasses import dataclass, field

from bridge.domain.delivery import Kind
from bridge.domain.journey import DeliveryState as State

LONGEST_WAIT_MS = 3_600_000  # nothing waits longer, even when the clock was set back
VERSIONS = (Kind.CREATE, Kind.CHANGE)


@dataclass
class Item:
    """One delivery. `sent`: an attempt began, so it may have left."""

    id: str
    kind: Kind
    body: bytes
    state: State = State.QUEUED
    sent: bool = False
    frozen: bool = False
    claims: int = 0

    @property
    def closable(self) -> bool:
        """Parked, or waiting for its first attempt."""
        return self.state is State.PARKED or (self.state is State.QUEUED and not self.sent)


@dataclass(frozen=True)
class Ticket:
    """What a worker holds after a claim."""

    lane: "Lane"
    item: Item
    epoch: int
    state: State  # of the delivery, as the claim left it
    first: bool  # nothing of this delivery can have left before


@dataclass
class Lane:
    """The deliveries of one referral at one partner."""

    referral: str
    patient: str
    items: list[Item] = field(default_factory=list)
    due: int | None = None
    until: int | None = None  # end of the lease
    epoch: int = 0
    left: bool = False  # something settled may have reached the partner

    @property
    def ever_sent(self) -> bool:
        """Whether anything may have reached the partner."""
        return self.left or any(item.sent for item in self.items)

    @property
    def must_create(self) -> bool:
        """Whether the next version has to be a create."""
        waiting = any(i.kind is Kind.CREATE and i.closable for i in self.items)
        return waiting or (not self.items and not self.ever_sent)


class Lanes:
    """All lanes of a partner; `settled` holds how each delivery ended."""

    def __init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        self.settled: dict[str, State] = {}

    def enqueue(self, referral: str, patient: str, item: Item, now: int) -> bool:
        """The table of delivery/outbox.py; False when a cancel has nothing to take back."""
        lane = self.lanes.setdefault(referral, Lane(referral, patient))
        closes = tuple(Kind) if item.kind is Kind.CANCEL else VERSIONS if item.kind in VERSIONS else ()
        for closed in [i for i in lane.items if i.closable and i.kind in closes]:
            self._end(lane, closed, State.SUPERSEDED, now)
        if item.kind is Kind.CANCEL and not lane.ever_sent:
            return False
        lane.items.append(item)
        if len(lane.items) == 1:
            lane.due = lane.until or now
        return True

    def expire(self, now: int) -> None:
        """What a claim does first: leases that ran out, and times from before the clock was set back."""
        for lane in self.lanes.values():
            if lane.until is not None and not now < lane.until <= now + LONGEST_WAIT_MS:
                self._take_up(lane, now)
            if lane.until is None and lane.due is not None and lane.due > now + LONGEST_WAIT_MS:
                lane.due = now

    def free(self, now: int) -> list[Lane]:
        """The lanes that may be claimed."""
        busy = {lane.patient for lane in self.lanes.values() if lane.until is not None}
        return [
            lane
            for lane in self.lanes.values()
            if lane.until is None and lane.due is not None and lane.due <= now and lane.patient not in busy
        ]

    def claim(self, lane: Lane, until: int) -> Ticket:
        """Lease a lane that is free."""
        item = lane.items[0]
        first = not item.sent
        item.state = State.SENDING if item.state is State.QUEUED else State.IN_DOUBT
        item.sent = True
        item.claims += 1
        lane.until = lane.due = until
        lane.epoch += 1
        return Ticket(lane, item, lane.epoch, item.state, first)

    def holds(self, ticket: Ticket) -> bool:
        """Whether the worker still holds its lane."""
        return ticket.lane.until is not None and ticket.lane.epoch == ticket.epoch

    def settle(self, ticket: Ticket, state: State, now: int) -> None:
        """The attempt ended the delivery."""
        self._let_go(ticket.lane, now)
        if ticket.item in ticket.lane.items:
            if state is State.WITHHELD and ticket.first:
                ticket.item.sent = False
            self._end(ticket.lane, ticket.item, state, now)

    def again(self, ticket: Ticket, state: State, now: int, due: int, *, held: bool = False) -> None:
        """The attempt did not end it."""
        still_there = ticket.item in ticket.lane.items
        self._let_go(ticket.lane, due if still_there else now)
        if still_there:
            ticket.item.state = state
            if held and ticket.first:  # as if it had never been tried
                ticket.item.sent, ticket.item.claims = False, 0

    def park(self, ticket: Ticket, now: int) -> None:
        """A person must look, unless a cancel or a newer version waits behind to take its place."""
        self._let_go(ticket.lane, now)
        lane, item = ticket.lane, ticket.item
        if item in lane.items:
            item.state, lane.due = State.PARKED, None
            behind = {i.kind for i in lane.items[1:]}
            newer = item.kind in VERSIONS and bool(behind.intersection(VERSIONS))
            if item.kind is not Kind.CANCEL and (newer or Kind.CANCEL in behind):
                self._end(lane, item, State.SUPERSEDED, now)

    def release(self, lane: Lane, item: Item, now: int) -> None:
        """A person lets it go again."""
        item.state = State.QUEUED
        if item is lane.items[0]:
            lane.due = now

    def end_unclaimed(self, lane: Lane, item: Item, state: State, now: int) -> None:
        """Discarded, or proven by an outcome."""
        self._end(lane, item, state, now)

    def restart(self, now: int) -> None:
        """The only process came back: nobody holds anything."""
        for lane in self.lanes.values():
            if lane.until is not None:
                self._take_up(lane, now)

    def _take_up(self, lane: Lane, now: int) -> None:
        """Its worker went: first in line, unless that has happened to it before."""
        lane.until = None
        lane.epoch += 1
        if lane.due is not None:
            lane.due = 0 if lane.items[0].claims == 1 else now

    def _end(self, lane: Lane, item: Item, state: State, now: int) -> None:
        head = lane.items[0] is item
        lane.items.remove(item)
        lane.left = lane.left or item.sent
        self.settled[item.id] = state
        if head:
            parked = bool(lane.items) and lane.items[0].state is State.PARKED
            lane.due = (lane.until or now) if lane.items and not parked else None

    def _let_go(self, lane: Lane, due: int) -> None:
        lane.until = None
        lane.due = due if lane.items else None
