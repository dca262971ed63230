"""Track: what a service reports, by push or by poll, is recorded in the commit that keeps its message.

The source of such a message is the name of the service. A transaction is all or nothing: half of what a link
worker reports (closed, without the score that goes with it) would tell the practice half a story, and a
service that is told which entry is wrong mends it and sends the whole again. What does not hang together
belongs in a batch, whose entries stand alone.
"""

from collections.abc import Iterator
from dataclasses import replace

from bridge.domain.journey import EventState
from bridge.domain.outcome import Outcome
from bridge.errors import IntakeError, Problem
from bridge.fhir import inbound
from bridge.fhir.bars_responses import is_response
from bridge.fhir.naming import Naming
from bridge.fhir.outcomes import Report, is_echo, reports_of
from bridge.fhir.references import Message as Resources
from bridge.fhir.trees import Json, placed, text, tree_at, trees
from bridge.pipeline import keeping, outcomes
from bridge.pipeline.context import Context
from bridge.pipeline.keeping import Done
from bridge.pipeline.outcomes import Recorded, Sender
from bridge.pipeline.verdict import UNBOUND, Became, Terms, Verdict
from bridge.sources import outcome_event
from bridge.store.messages import EventRow, Message
from bridge.store.unit import Store, Tx

PUSHED, POLLED, EVENTS = "outcome", "poll", "outcome-event"
DOORS = frozenset({PUSHED, POLLED, EVENTS})  # that outcomes come through
LIMIT = 1 << 22  # bytes of one message


async def report(
    store: Store,
    ctx: Context,
    message: Message,
    terms: Terms = UNBOUND,
    *,
    parks: frozenset[str] = frozenset(),
) -> Verdict:
    """Keep and record in one commit. Raises Unavailable, and NotYet, when nothing was kept.

    `parks` are codes that leave a part of the message to a person, where its standard allows that part.
    """

    def apply(tx: Tx, n: int, said: Report) -> Done:
        became = recorded(tx, ctx, message, said)
        if said.outcome is None and became.code in parks:
            became = replace(became, state=EventState.PARKED)
        return _done(ctx, message, n, said, became)

    return await keeping.keep(
        store,
        ctx,
        message,
        read=lambda: read(message, ctx),
        apply=apply,
        terms=terms,
    )


def settle(tx: Tx, ctx: Context, message: Message, n: int, said: Report, became: Recorded) -> Became:
    """Note what became of one report of a kept message where nobody waits to hear it: a person does."""
    if became.state is EventState.REFUSED:
        became = replace(became, state=EventState.PARKED)
    return keeping.note(tx, _done(ctx, message, n, said, became))


def read(message: Message, ctx: Context) -> tuple[Report, ...]:
    """What a message reports; what cannot be read at all is one report with its problems."""
    try:
        if message.door == EVENTS:
            is_csv = message.media_type == "text/csv"
            body, now = message.content or b"", ctx.now()
            return outcome_event.reports_of(body, is_csv=is_csv, naming=ctx.naming, arrived=now)
        resource = inbound.read(message.content or b"", limit=LIMIT)
    except IntakeError as error:
        return (Report(problems=error.problems),)
    named = answering(resource, ctx.naming)
    found = (*_not_done(named), *reports_of(named, naming=ctx.naming, arrived=ctx.arrival(message.arrived)))
    echoes = (is_echo(held, ctx.naming) for held in inner(named, "Observation"))
    if (
        found or inner(named, "Task") or inner(named, "Flag") or any(echoes)
    ):  # what is still as we made it is no news and no mistake
        return found
    return (Report(problems=(Problem(code="no-event"),)),)


def inner(resource: Json, kind: str) -> tuple[Json, ...]:
    """The resources of a type that stand in a Bundle, or the one that came alone."""
    return tuple(entry.resource for entry in Resources.of(resource).all(kind))


def _not_done(resource: Json) -> Iterator[Report]:
    """Entries that ask for a deletion or the like: passing over them would be taken for doing it."""
    for at, entry in placed(resource, "entry", "Bundle"):
        if text(entry, "request", "method") not in ("", "POST", "PUT"):
            yield Report(position=at, problems=(Problem(code="fhir-method", at=f"{at}.request.method"),))


def answering(resource: Json, naming: Naming) -> Json:
    """A BaRS response with its ServiceRequest under our identifier: that of the message it answers."""
    answers = answered_by(resource)
    if not answers:
        return resource
    ours = {"system": naming.referral, "value": answers}
    entries = [
        {**entry, "resource": {**held, "identifier": [ours, *trees(held, "identifier")]}}
        if (held := tree_at(entry, "resource")).get("resourceType") == "ServiceRequest"
        else entry
        for entry in trees(resource, "entry")
    ]
    return {**resource, "entry": entries}


def answered_by(resource: Json) -> str:
    """What a BaRS response names as the message it answers: our id of the referral; "" for anything else."""
    if text(resource, "type") != "message":
        return ""
    held = [dict(tree_at(entry, "resource")) for entry in trees(resource, "entry")]
    headers = (r for r in held if text(r, "resourceType") == "MessageHeader" and is_response(r))
    return next((text(header, "response", "identifier") for header in headers), "")


def recorded(tx: Tx, ctx: Context, message: Message, said: Report) -> Recorded:
    """Record what one report says, if it could be read."""
    if said.outcome is None:
        return Recorded(state=EventState.REFUSED, code=said.problems[0].code)
    sender = Sender(service=message.source, message_id=message.id)
    return outcomes.record(tx, ctx, sender, said.outcome)


def _done(ctx: Context, message: Message, n: int, said: Report, became: Recorded) -> Done:
    """The event of one report."""
    row = EventRow(
        id=ctx.new_id(),
        message_id=message.id,
        n=n,
        position=said.position,
        kind=outcomes.KIND,
        state=became.state,
        source=message.source,
        code=became.code,
        practice=became.practice,
        key_id=became.outcome_id,
        referral_id=became.referral_id,
        clock=_clock(said.outcome),
    )
    remarks = (Problem(code=mark, at=said.position) for mark in became.marks)
    return Done(row=row, problems=said.problems, warnings=(*said.warnings, *remarks))


def _clock(outcome: Outcome | None) -> str:
    return outcome.version[:64] if outcome else ""
