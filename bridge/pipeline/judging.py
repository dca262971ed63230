"""A score before the table of checks, with what is known of its person and its referral."""

from collections.abc import Iterable
from datetime import date

from bridge.domain.dates import london_day
from bridge.domain.journey import OutcomeState
from bridge.domain.outcome import OutcomeKind
from bridge.domain.validation import Case, Judgement, day_of, judge
from bridge.pipeline.context import Context
from bridge.store.outcomes import Told, current
from bridge.store.referrals import Stored


def judged(ctx: Context, stored: Stored, told: Told, known: Iterable[Told]) -> Judgement:
    """What the table says of a score; anything else a service says passes."""
    if told.outcome.kind is not OutcomeKind.MEASURE or told.outcome.is_withdrawn:
        return Judgement()
    return judge(case_of(ctx, stored, told, list(known)))


def case_of(ctx: Context, stored: Stored, told: Told, known: list[Told]) -> Case:
    """All that the table looks at."""
    same = [k for k in known if k.outcome.identifier == told.outcome.identifier and k.id != told.id]
    counted = [k.outcome for k in same if k.state in (OutcomeState.CURRENT, OutcomeState.SUPERSEDED)]
    scheme = ctx.rulebook.by_name(stored.scheme)
    return Case(
        outcome=told.outcome,
        born=stored.record.patient.birth_date,
        referred_on=referred_on(ctx, stored),
        now=ctx.now(),
        closed_on=london_day(ctx.from_ms(stored.closed_at)) if stored.closed_at else None,
        versions=tuple(counted),
        others=tuple(current(known)),
        follow_up_days=scheme.follow_up_days if scheme else 0,
        sharing_refused=sharing_refused(known),
    )


def referred_on(ctx: Context, stored: Stored) -> date:
    """The London day the practice referred, as far as the record says."""
    record = stored.record
    if record.recorded_at is not None:
        return london_day(record.recorded_at)
    return day_of(record.authored_on) or london_day(ctx.from_ms(stored.opened_at))


def sharing_refused(known: Iterable[Told]) -> bool:
    """Whether the newest word on consent is no; of two of the same moment the no counts."""
    said = [o for o in current(known) if o.kind is OutcomeKind.CONSENT]
    last = max(said, key=lambda o: (o.clock, o.effective, o.detail != "given"), default=None)
    return last is not None and last.detail != "given"
