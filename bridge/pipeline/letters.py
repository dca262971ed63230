"""Two messages of an episode to its practice: when it starts and when it ends, corrected when they err.

A letter that nobody has seen is replaced by the newer one. One that was sent is never written anew: what it
said and no longer holds is corrected by a further letter that names it. The start letter is corrected only
when something it said was taken back; what came later belongs into the closure letter.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID, uuid5

import orjson

from bridge.delivery import outbox
from bridge.domain import letter_writing
from bridge.domain.dates import london_day
from bridge.domain.delivery import Delivery, Kind, Leg, Receipt
from bridge.domain.episode import Episode
from bridge.domain.journey import DeliveryState, DeliveryStep
from bridge.domain.letter import TO_DO, Letter, LetterKind, LetterState, LetterStep, said, told
from bridge.domain.letter_writing import Edition, Parties
from bridge.pipeline.context import Context
from bridge.schemes import Scheme
from bridge.schemes.routes import RecordRoute
from bridge.store import documents, lanes, letters, outcomes
from bridge.store.lanes import Order
from bridge.store.letters import Kept
from bridge.store.referrals import Stored
from bridge.store.unit import Tx

LISTED, ACCEPTED = "listed", "transport-accepted"  # levels of a receipt
_MAY_BE_THERE = frozenset(
    {
        *(LetterState.ACCEPTED, LetterState.RECEIVED, LetterState.KNOWN),
        *(LetterState.FILED, LetterState.UNANSWERED),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who writes to whom about which referral."""

    ctx: Context
    scheme: Scheme
    route: RecordRoute
    stored: Stored
    cause: str  # the outcome that calls for it

    @property
    def parties(self) -> Parties:
        """Names and codes of both sides."""
        rule = self.scheme.practice(self.stored.practice)
        service = self.scheme.service
        return Parties(
            practice=(rule.name if rule else "") or self.stored.practice,
            practice_ods=self.stored.practice,
            service=service.title,
            service_ods=service.ods,
            telephone=service.telephone,
        )


def follow(tx: Tx, desk: Desk) -> None:
    """Write and queue whatever letter the episode calls for now; nothing when all is told."""
    episode = outcomes.episode(tx, desk.stored.id)
    known = letters.of_referral(tx, desk.stored.id)
    turn, again = _round(known, episode)
    kind = LetterKind.CLOSURE if episode.ended else LetterKind.START
    if kind is LetterKind.START and episode.started is None:
        return
    latest = _latest(known, kind, turn)
    fresh = _written(desk, kind, episode, Edition(version=1, today=_today(desk.ctx), again=again))
    if latest is None:
        _queue(tx, desk, fresh, turn)
    elif latest.letter is not None and _errs(latest.letter, fresh):
        _correct(tx, desk, latest, episode, again=again)


def _round(known: Iterable[Kept], episode: Episode) -> tuple[int, bool]:
    """How often it was taken up again: an episode that goes on after its closure letter is a new round."""
    turn = max((kept.round for kept in known), default=0)
    closed = any(kept.round == turn and kept.kind is LetterKind.CLOSURE for kept in known)
    turn += closed and episode.ended is None
    return turn, turn > 0


def _latest(known: Iterable[Kept], kind: LetterKind, turn: int) -> Kept | None:
    standing = (kept for kept in known if kept.state is not LetterState.REPLACED)
    return max(
        (kept for kept in standing if kept.kind is kind and kept.round == turn),
        key=lambda kept: (kept.version, kept.made_at),
        default=None,
    )


def _written(desk: Desk, kind: LetterKind, episode: Episode, edition: Edition) -> Letter:
    stored = desk.stored
    return letter_writing.write(kind, stored.id, stored.record, episode, desk.parties, edition)


def _errs(old: Letter, new: Letter) -> bool:
    """Whether the old letter says what no longer holds, or leaves out what belongs into it."""
    if old.kind is LetterKind.START:
        return not told(old) <= told(new)
    return said(replace(old, corrects="", actions=letter_writing.without_correction(old))) != said(new)


def _correct(tx: Tx, desk: Desk, wrong: Kept, episode: Episode, *, again: bool) -> None:
    """Replace it while nobody has seen any attempt at it; else send a further one that names it."""
    today = _today(desk.ctx)
    unsent = _take_back(tx, wrong)
    there = next((o for o in _other_attempts(tx, wrong) if o.state in _MAY_BE_THERE), None)
    if unsent and there is None:
        old = wrong.letter
        edition = Edition(
            version=wrong.version, today=today, corrects=old.corrects if old else "", again=again
        )
        _queue(tx, desk, _written(desk, wrong.kind, episode, edition), wrong.round, replaces=wrong.replaces)
        return
    wrong = there if unsent and there else wrong
    sent_on = wrong.letter.written_on if wrong.letter else ""
    edition = Edition(version=wrong.version + 1, today=today, corrects=sent_on, again=again)
    letters.step(tx, wrong, LetterStep.REPLACE)  # off the worklist, where the new one takes its place
    _queue(tx, desk, _written(desk, wrong.kind, episode, edition), wrong.round, replaces=wrong.id)


def _take_back(tx: Tx, kept: Kept) -> bool:
    """Close a letter that surely has not left; False when it may have."""
    if kept.state is LetterState.SHADOW:
        return letters.step(tx, kept, LetterStep.REPLACE) is not None
    found = lanes.in_lane(tx, kept.id)
    if found is None or found[1].sent:
        return False
    lane_id, queued = found
    if queued.state not in (DeliveryState.QUEUED, DeliveryState.PARKED):
        return False
    lanes.step_unclaimed(tx, lane_id, queued, DeliveryStep.SUPERSEDE, code="newer-version")
    letters.step(tx, kept, LetterStep.REPLACE)
    return True


def _queue(tx: Tx, desk: Desk, letter: Letter, turn: int, *, replaces: str = "") -> str:
    """Keep the letter and queue its delivery, which has its id."""
    stored, ctx = desk.stored, desk.ctx
    kept = Kept(
        id=_id(tx, stored, letter, turn),
        referral_id=stored.id,
        practice=stored.practice,
        route=desk.route.name,
        kind=letter.kind,
        round=turn,
        version=letter.version,
        state=LetterState.SHADOW if stored.shadow else LetterState.QUEUED,
        replaces=replaces,
    )
    letters.add(tx, kept, letter)
    order = Order(
        id=kept.id,
        referral_id=stored.id,
        partner=desk.route.name,
        patient=stored.patient,
        leg=Leg.WRITE_BACK,
        kind=Kind.FILE,
        priority=stored.record.priority,
        request_id=ctx.new_id(),
        correlation_id=stored.correlation_id,
        body=body_of(letter, replaces),
        frozen=False,
        cause=desk.cause,
        version=stored.version,
        label=ctx.label,
    )
    outbox.enqueue(tx, order, shadow=stored.shadow)
    return kept.id


def _id(tx: Tx, stored: Stored, letter: Letter, turn: int) -> str:
    """The same again when a restored bridge writes the letter anew, so that its receiver knows it.

    A further attempt at the same words has one of its own, or it would be refused as a repeat.
    """
    words = said(letter)
    written = (kept.letter for kept in letters.of_referral(tx, stored.id) if kept.round == turn)
    attempt = sum(old is not None and (old.version, said(old)) == (letter.version, words) for old in written)
    return str(
        uuid5(UUID(stored.id), tx.sealer.index("letter", f"{turn}|{letter.version}|{attempt}|{words}"))
    )


def body_of(letter: Letter, replaces: str) -> bytes:
    """What a delivery carries to the route: `{"letter": …, "replaces": id of the one it corrects}`."""
    return b'{"letter":%b,"replaces":%b}' % (documents.letter.dump_json(letter), orjson.dumps(replaces))


def _today(ctx: Context) -> date:
    return london_day(ctx.now())


def send_again(tx: Tx, desk: Desk, kept: Kept, code: str) -> str:
    """Queue the same letter anew, parked: a person decides whether it goes; its id, or ""."""
    if kept.letter is None:
        return ""
    again = _queue(tx, desk, kept.letter, kept.round, replaces=kept.replaces)
    found = lanes.in_lane(tx, again)
    if found is not None:
        lanes.park_unclaimed(tx, *found, code=code)
    return again


def on_settled(tx: Tx, delivery: Delivery, state: DeliveryState, receipt: Receipt) -> None:
    """In the settle's own commit: what the route says of the letter it took."""
    if state is not DeliveryState.DELIVERED or delivery.leg is not Leg.WRITE_BACK:
        return
    kept = letters.get(tx, delivery.id)
    if kept is None:
        return
    if receipt.level == LISTED:
        letters.step(tx, kept, LetterStep.LIST)
    else:
        due_at = tx.now + int((receipt.answer_within or timedelta()) / timedelta(milliseconds=1))
        taken = letters.step(tx, kept, LetterStep.ACCEPT, reference=receipt.reference, due_at=due_at)
        if taken is None:
            letters.note_reference(tx, kept, receipt.reference)
    _tidy(tx, kept)


def _tidy(tx: Tx, kept: Kept) -> None:
    """An earlier attempt at the same letter that was refused or went unanswered needs nobody any more."""
    for other in _other_attempts(tx, kept):
        if other.state in TO_DO:
            letters.step(tx, other, LetterStep.REPLACE)


def _other_attempts(tx: Tx, kept: Kept) -> list[Kept]:
    """The same letter, as it was or will be sent another time."""
    same = (kept.kind, kept.round, kept.version)
    known = letters.of_referral(tx, kept.referral_id)
    return [
        other for other in known if other.id != kept.id and (other.kind, other.round, other.version) == same
    ]


def file(tx: Tx, kept: Kept) -> LetterState | None:
    """Somebody at the practice has put it into the record: a further attempt at it is closed."""
    state = letters.step(tx, kept, LetterStep.FILE)
    close_attempts(tx, kept, "letter-filed")
    return state


def close_attempts(tx: Tx, kept: Kept, code: str) -> None:
    """Close what waits parked to send the same letter again."""
    for other in _other_attempts(tx, kept):
        found = lanes.in_lane(tx, other.id) if other.state is LetterState.QUEUED else None
        if found and found[1].state is DeliveryState.PARKED and not found[1].sent:
            lanes.step_unclaimed(tx, *found, DeliveryStep.SUPERSEDE, code=code)
            letters.step(tx, other, LetterStep.REPLACE)
