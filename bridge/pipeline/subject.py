"""What a person may ask for: find, export, rectify, erase; and what they say of all sharing. Each is audited.

The audit names the person by the blind index of the NHS number: who has the index key can ask who looked.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from bridge.domain.dates import fhir_date
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.person import NewsKind, PersonNews
from bridge.domain.referral import EventKind, Patient
from bridge.errors import NotFound, Problem, Unacceptable
from bridge.pipeline import consent, person
from bridge.pipeline.applied import Origin
from bridge.pipeline.context import Context
from bridge.sources import emis
from bridge.sources.targets import GENDER, clock_of, language
from bridge.store import referrals, subjects, told
from bridge.store.audit import Hand
from bridge.store.stances import Stance
from bridge.store.subjects import Trail
from bridge.store.unit import Tx

SOURCE: Final = "data-officer"  # of corrections and stances that a person at the practice typed in
STANCES: Final = {"object": EventKind.OBJECTED, "agree": EventKind.AGREED}


def number_of(text: str) -> NhsNumber:
    """The number as typed; Unacceptable, without repeating it, when it is none."""
    try:
        return NhsNumber.parse(text)
    except ValueError:
        raise Unacceptable(problems=(Problem(code="subject-nhs-number"),)) from None


def follow(tx: Tx, number: NhsNumber) -> Trail:
    """All that is held of them, also in rows of sources that no referral came of."""
    return subjects.follow(tx, number.digits, _held_as(tx, number))


def _held_as(tx: Tx, number: NhsNumber) -> Iterator[tuple[str, str]]:
    for practice, key, said in emis.people_held(tx):
        if said.replace(" ", "") == number.digits:
            yield practice, key


def find(tx: Tx, hand: Hand, number: NhsNumber) -> dict[str, Any]:
    """How much is held, and the ids of the referrals."""
    trail = follow(tx, number)
    note(tx, hand, "find", number)
    return {**trail.counts(), "referral_ids": list(trail.referrals)}


def export(tx: Tx, hand: Hand, number: NhsNumber) -> dict[str, Any]:
    """All of it in clear."""
    found = told.everything(tx, follow(tx, number))
    note(tx, hand, "export", number)
    return found


def erase(tx: Tx, hand: Hand, number: NhsNumber) -> dict[str, int]:
    """Take it away; Unacceptable while a referral is open or something is still to be delivered."""
    trail = follow(tx, number)
    if trail.living or subjects.unsettled(tx, trail):
        raise Unacceptable(problems=(Problem(code="subject-open"),))
    subjects.erase(tx, trail)
    note(tx, hand, "erase", number)
    return trail.counts()


def stand(tx: Tx, ctx: Context, hand: Hand, number: NhsNumber, said: str) -> str:
    """Remember that they object or agree, for every practice; what it came to, as a code."""
    kind = STANCES[said]
    stance = Stance(id=ctx.new_id(), kind=kind.value, said_at=tx.now, number=number.digits, practice="")
    applied = consent.stand(tx, ctx, stance, cause=f"subject:{ctx.new_id()}"[:36])
    note(tx, hand, said, number)
    return applied.code


def rectify(tx: Tx, ctx: Context, hand: Hand, number: NhsNumber, wrong: dict[str, Any]) -> list[str]:
    """Correct the details of every open referral, as if the practice had sent them; the ids it changed."""
    correction = _correction(wrong)
    trail = follow(tx, number)
    if not trail.living:
        raise NotFound
    practices = {each.practice for each in referrals.about(tx, trail.living).values()}
    for practice in sorted(practices):
        news = PersonNews(
            kind=NewsKind.CHANGED,
            source=SOURCE,
            practice=OdsCode.parse(practice),
            patient=Patient(**correction),
            clock=clock_of(datetime.fromtimestamp(tx.now / 1000, UTC)),
            said=frozenset(correction),
            numbers=(number,),
        )
        origin = Origin(event_id=ctx.new_id(), mapping="", correlation_id=ctx.new_id())
        applied, _ = person.apply(tx, ctx, origin, news)
        if applied.code == "identity-differs":
            raise Unacceptable(problems=(Problem(code="identity-differs"),))
    note(tx, hand, "rectify", number)
    return list(trail.living)


def _correction(wrong: dict[str, Any]) -> dict[str, Any]:
    """The right values by field; Unacceptable, naming the field only."""
    right: dict[str, Any] = {}
    for name, value in wrong.items():
        try:
            right[name] = _FIELDS[name](value)
        except (KeyError, TypeError, ValueError, AttributeError):
            at = name if name in _FIELDS else ""
            raise Unacceptable(problems=(Problem(code="subject-correction", at=at),)) from None
    if not right:
        raise Unacceptable(problems=(Problem(code="subject-correction"),))
    return right


def _words(value: Any) -> str:
    return str.strip(value)


_FIELDS: Final[dict[str, Any]] = {
    "family": _words,
    "given": lambda names: tuple(_words(name) for name in names),
    "prefix": _words,
    "preferred_name": _words,
    "birth_date": fhir_date,
    "gender": GENDER,
    "language": language,
}


def note(tx: Tx, hand: Hand, action: str, number: NhsNumber) -> None:
    """Audit what was done, by whom and why, about whom as a keyed index."""
    hand.sign(tx, f"subject-{action}", tx.sealer.index("nhs", number.digits))
