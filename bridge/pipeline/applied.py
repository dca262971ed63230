"""One event on its way: where it came from, everything found out about it, and what became of it."""

from dataclasses import dataclass

from bridge.domain.journey import EventState
from bridge.domain.referral import Referral, ReferralEvent
from bridge.pipeline.context import Context, local_index
from bridge.schemes import Case, PracticeRule, Scheme, Verdict, decide
from bridge.store import keys, stances
from bridge.store.keys import Key
from bridge.store.unit import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What became of one event."""

    state: EventState
    code: str = ""
    referral_id: str | None = None
    practice: str = ""
    patient: str = ""
    opened: bool = False  # it is the one that made the referral


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which event row this is, for the journey.

    `released`: a person overruled the gates that parked it. `allowed`: the practices the sender speaks for.
    `only_new`: the sender asks for nothing to happen when the key is known already. `asked`: somebody asks
    for it, by message; False for what a bulk extract shows. `replay_of`: the kept message that is told again.
    `arrived`: when its message came, in milliseconds; 0 for one that comes just now.
    """

    event_id: str
    mapping: str
    correlation_id: str
    released: bool = False
    allowed: frozenset[str] | None = None
    only_new: bool = False
    asked: bool = True
    replay_of: str = ""
    arrived: int = 0

    def may_speak_for(self, practice: str) -> bool:
        """Whether the sender speaks for that practice."""
        return self.allowed is None or practice in self.allowed


@dataclass(frozen=True, slots=True)
class Said:
    """One event with everything that was found out about it."""

    ctx: Context
    origin: Origin
    event: ReferralEvent
    record: Referral
    scheme: Scheme
    rule: PracticeRule
    patient: str
    practice: str

    def applied(self, state: EventState, code: str = "", referral_id: str | None = None) -> Applied:
        """What became of it, with whose it is."""
        return Applied(
            state=state, code=code, referral_id=referral_id, practice=self.practice, patient=self.patient
        )

    def local(self, tx: Tx) -> str:
        """The blind index of the practice's own key of the patient, or ""."""
        return local_index(tx, self.practice, self.record.patient.local_key)

    def case(self, tx: Tx) -> Case:
        """What the gate looks at."""
        return Case(
            event=self.event,
            record=self.record,
            scheme=self.scheme,
            practice=self.rule,
            now=self.ctx.arrival(self.origin.arrived),
            environment=self.ctx.environment,
            stance=stances.of_person(tx, nhs=self.patient, local=self.local(tx), practice=self.practice),
        )

    def gate(self, tx: Tx) -> tuple[Verdict, str]:
        """What the scheme says of it; a person who released it overrules what would hold it back."""
        return decide(self.case(tx), released=self.origin.released)


def remember(
    tx: Tx, origin: Origin, event: ReferralEvent, referral_id: str | None, *, kind: str = ""
) -> None:
    """This is the newest version of its key, and leads to that referral or to none.

    `kind`: what the key says all the same, where the event only repeats its version.
    """
    keys.put_key(
        tx,
        Key(
            id=str(event.key.id),
            referral_id=referral_id,
            clock=event.clock,
            content=event.content,
            kind=kind or event.kind.value,
            event_id=origin.event_id,
        ),
    )
