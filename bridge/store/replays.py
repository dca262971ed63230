"""What a replay or a release by filter picks, one after the other, and what it must know of earlier tellings.

Items come in the order of their time and id, so that a run which was interrupted goes on behind the last one.
"""

from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

from sqlalchemy import bindparam, exists, func, or_, select

from bridge.domain.journey import DeliveryState, EventState, EventStep, ReferralState
from bridge.store import facts, messages
from bridge.store.purging import UNRESOLVED
from bridge.store.tables import UNSETTLED_EVENT, delivery, event, message, referral, settled
from bridge.store.unit import Tx

CONFLICTS = ("version-conflict", "clock-changed-kind")
Query: TypeAlias = Any  # a SELECT, whose type SQLAlchemy cannot say once it is built up in steps
RUN = "run:"  # before the label, in the name of the fact
KINDS = {"replay": ("message", "settled"), "release": ("event", "referral", "delivery")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which items; "" and None leave a question open. `since` is milliseconds."""

    state: str = ""
    code: str = ""
    source: str = ""
    practice: str = ""
    partner: str = ""
    since: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether it would pick everything there is."""
        return self == Filter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A replay or release of many items: what it picks, how far it is, what became of them.

    `kind` and (`at`, `id`) are those of the last item that was dealt with.
    """

    label: str
    verb: str  # replay, release
    by: str
    why: str
    mapping: str = "now"  # or then
    kinds: tuple[str, ...] = ()
    only: str = ""  # one item, by id, instead of a filter
    filter: Filter = Filter()
    kind: str = ""
    at: int = -1
    id: str = ""
    counts: dict[str, int] | None = None


def put_run(tx: Tx, run: Run) -> None:
    """Remember how far a run is."""
    facts.put(tx, RUN + run.label, asdict(run))


def run_of(tx: Tx, label: str) -> Run | None:
    """An unfinished run."""
    found = facts.known(tx, RUN + label)
    return None if found is None else run_from(found)


def run_from(told: dict[str, Any]) -> Run:
    """A run from its JSON."""
    return Run(**{**told, "kinds": tuple(told["kinds"]), "filter": Filter(**told["filter"])})


def end_run(tx: Tx, label: str) -> None:
    """The run is over."""
    facts.drop(tx, RUN + label)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Something to replay or release, and where it stands."""

    kind: str
    id: str
    at: int
    state: str
    code: str = ""


def next_item(tx: Tx, run: Run) -> Item | None:
    """The first item behind where the run is."""
    start = run.kinds.index(run.kind) if run.kind else 0
    for kind in run.kinds[start:]:
        behind = (run.at, run.id) if kind == run.kind else (-1, "")
        row = tx.run(_PICKS[kind](run, behind).limit(1)).first()
        if row is not None:
            return Item(kind=kind, id=row.id, at=row.at, state=row.state, code=row.code)
    return None


_its = event.alias("its")


def _messages(run: Run, behind: tuple[int, str]) -> Query:
    """Messages by what became of any of their events; the newest of those is shown."""
    wanted = run.filter
    its = [_its.c.message_id == message.c.id]
    its += [_its.c.state == wanted.state] if wanted.state else []
    its += [_its.c.code == wanted.code] if wanted.code else []
    its += [_its.c.practice == wanted.practice] if wanted.practice else []
    newest = select(func.max(_its.c.n)).where(*its).correlate(message).scalar_subquery()
    shown = message.join(event, (event.c.message_id == message.c.id) & (event.c.n == newest))
    query = select(message.c.id, message.c.received_at.label("at"), event.c.state, event.c.code)
    query = _behind(query.select_from(shown), message.c.received_at, message.c.id, behind, run)
    return query.where(message.c.source == wanted.source) if wanted.source else query


def _settled(run: Run, behind: tuple[int, str]) -> Query:
    query = select(settled.c.id, settled.c.settled_at.label("at"), settled.c.state, settled.c.code)
    query = _behind(query, settled.c.settled_at, settled.c.id, behind, run)
    if not run.only:
        query = query.where(settled.c.state == (run.filter.state or DeliveryState.DELIVERED.value))
    return _of_referral(query, settled, run.filter)


def _parked_deliveries(run: Run, behind: tuple[int, str]) -> Query:
    query = select(delivery.c.id, delivery.c.created_at.label("at"), delivery.c.state, delivery.c.code)
    query = _behind(query, delivery.c.created_at, delivery.c.id, behind, run)
    return _of_referral(query.where(delivery.c.state == DeliveryState.PARKED.value), delivery, run.filter)


def _of_referral(query: Query, table: Any, wanted: Filter) -> Query:
    for column, value in ((table.c.code, wanted.code), (table.c.partner, wanted.partner)):
        query = query.where(column == value) if value else query
    if wanted.source or wanted.practice:
        query = query.join(referral, referral.c.id == table.c.referral_id)
    for column, value in ((referral.c.source, wanted.source), (referral.c.practice, wanted.practice)):
        query = query.where(column == value) if value else query
    return query


def _parked_events(run: Run, behind: tuple[int, str]) -> Query:
    wanted = run.filter
    query = select(event.c.id, event.c.at, event.c.state, event.c.code)
    query = _behind(query, event.c.at, event.c.id, behind, run)
    state = wanted.state or EventState.PARKED.value
    query = query.where(event.c.state == state)
    if state in UNRESOLVED:
        query = query.where(UNSETTLED_EVENT)
    for column, value in (
        (event.c.code, wanted.code),
        (event.c.source, wanted.source),
        (event.c.practice, wanted.practice),
    ):
        query = query.where(column == value) if value else query
    return query


def _parked_referrals(run: Run, behind: tuple[int, str]) -> Query:
    wanted = run.filter
    query = select(referral.c.id, referral.c.opened_at.label("at"), referral.c.state, referral.c.code)
    query = _behind(query, referral.c.opened_at, referral.c.id, behind, run)
    query = query.where(referral.c.state == ReferralState.PARKED.value)
    for column, value in (
        (referral.c.code, wanted.code),
        (referral.c.source, wanted.source),
        (referral.c.practice, wanted.practice),
        (referral.c.service, wanted.partner),
    ):
        query = query.where(column == value) if value else query
    return query


def _behind(query: Query, at: Any, row_id: Any, behind: tuple[int, str], run: Run) -> Query:
    """In order, behind the last one; since the time the filter names; or the one item that is asked for."""
    query = query.where(at >= behind[0], or_(at > behind[0], row_id > behind[1])).order_by(at, row_id)
    if run.only:
        return query.where(row_id == run.only)
    return query.where(at >= run.filter.since) if run.filter.since is not None else query


_PICKS = {
    "message": _messages,
    "event": _parked_events,
    "referral": _parked_referrals,
    "delivery": _parked_deliveries,
    "settled": _settled,
}


def has_told(tx: Tx, message_id: str, key_id: str, clock: str) -> bool:
    """Whether this message told this version of a key before, and not in conflict with another."""
    return bool(tx.run(_TOLD, {"message": message_id, "key": key_id, "clock": clock}).scalar_one())


_TOLD = select(
    exists().where(
        event.c.key_id == bindparam("key"),
        event.c.message_id == bindparam("message"),
        event.c.clock == bindparam("clock"),
        event.c.code.not_in(CONFLICTS),
    )
)


def mappings_of(tx: Tx, message_id: str) -> frozenset[str]:
    """The mappings by which a message was translated so far, with their overlays: `hub@1+leeds@2`."""
    return frozenset(tx.run(_MAPPINGS, {"message": message_id}).scalars())


_MAPPINGS = select(event.c.mapping).where(event.c.message_id == bindparam("message"), event.c.mapping != "")


def next_n(tx: Tx, message_id: str) -> int:
    """Where the numbers of the events of a message go on."""
    return int(tx.run(_NEXT_N, {"message": message_id}).scalar_one())


_NEXT_N = select(func.coalesce(func.max(event.c.n), -1) + 1).where(event.c.message_id == bindparam("message"))


def take_off(tx: Tx, message_id: str, before: int, position: str) -> None:
    """Close what an earlier telling of this message left with a person: the replay has told it anew."""
    for row in tx.run(_LEFT, {"message": message_id, "before": before, "position": position}).all():
        messages.move_event(tx, row.id, EventStep.DISCARD, code="replayed")


_LEFT = select(event.c.id).where(
    event.c.message_id == bindparam("message"),
    event.c.n < bindparam("before"),
    event.c.state == EventState.PARKED.value,
    or_(event.c.position == bindparam("position"), event.c.kind == "unreadable"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A settled delivery as far as a replay needs it."""

    id: str
    referral_id: str
    partner: str
    leg: str
    kind: str
    state: str
    frozen: bool
    cause: str
    version: int
    body: bytes | None


def sent(tx: Tx, delivery_id: str) -> Sent | None:
    """A settled delivery with its body, which is None once purged."""
    row = tx.run(_SENT, {"row": delivery_id}).first()
    if row is None:
        return None
    columns = {name: getattr(row, name) for name in Sent.__dataclass_fields__ if name != "body"}
    return Sent(**columns, body=messages.get_body(tx, row.body_id))


_SENT = select(settled).where(settled.c.id == bindparam("row"))
