"""What a REF message is about: which event, which referral, which person, searched where senders put them."""

import re
from collections.abc import Iterator
from itertools import chain, islice

from bridge.errors import Problem, shape
from bridge.sources.hl7v2_profile import KINDS, Profile
from bridge.sources.record import Found
from bridge.wire.hl7v2 import DELETE, Message, Repetition
from bridge.wire.hl7v2_path import Path, parse_path

_ENDED = frozenset({"C", "R", "E"})  # RF1-1: rejected and expired (HL7 table 0283), C as senders write it
_GOING = frozenset({"A", "P"})
_DEAD = {"Y": "true", "N": "false"}  # HL7 table 0136
_NHS_TYPES = frozenset({"NH", "NHS"})  # CX.5; NI is any national number
_NHS_FIELDS = (3, 2, 4, 19)
_LOCAL_TYPES = frozenset({"PI", "MR", "MRN", "PT"})
_TEN_DIGITS = re.compile(r"(?:\d[ -]?){10}", re.ASCII)
_DATE_LIKE = re.compile(
    r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[0-2]\d[0-5]\d(?:[0-5]\d)?)?"
)

_RF1_ID = parse_path("RF1-6")
_PLACER = parse_path("OBR-2")


# The event


def event(message: Message, profile: Profile) -> Iterator[Found]:
    """I12, I13 or I14: what the trigger says, unless RF1 says that the referral is over."""
    trigger = _trigger(message, profile)
    if trigger in KINDS:
        over = _over(message)
        yield Found(value="I14" if over else trigger, at=over or "MSH-9.2")


def is_referral(message: Message, profile: Profile) -> bool:
    """Whether the message is one of the events that this reader knows."""
    return _trigger(message, profile) in KINDS


def event_warnings(message: Message) -> Iterator[Problem]:
    """A referral status that is in no table may be a slipped column."""
    status = _status(message)
    if status and status not in _ENDED | _GOING:
        yield Problem(code="hl7-status-unknown", at="RF1-1", shape=shape(status))


def _trigger(message: Message, profile: Profile) -> str:
    """MSH-9.2; senders leave it out and name it in the structure or in EVN."""
    kind, trigger = message.first("MSH-9.1"), message.first("MSH-9.2")
    trigger = trigger or message.first("MSH-9.3").rpartition("_")[2] or message.first("EVN-1")
    return profile.triggers.get(trigger, trigger if kind == "REF" else "")


def _status(message: Message) -> str:
    return message.first("RF1[1]-1.1").upper()


def _over(message: Message) -> str:
    """The place that ends the referral whatever the trigger says, or ""."""
    if _status(message) in _ENDED:
        return "RF1-1.1"
    return "RF1-25" if message.first("RF1[1]-25.1") == "D" else ""


# The referral


def referral_id(message: Message, _profile: Profile) -> Iterator[Found]:
    """RF1-6, else OBR-2; all of them, because of several it is not known which is meant."""
    message.once(_searches).append("referral-id")
    found = message.once(_all_ids)
    yield from (Found(value=value, at=repetition.place()) for value, repetition in found)


def referral_id_problems(message: Message) -> Iterator[Problem]:
    """No identifier, two, or one with a line end in it: a repeat could not be known as one.

    Only where the mapping asked for the search: a sender may name its referrals in a place of its own.
    """
    if not message.once(_searches):
        return
    found = message.once(_all_ids)
    if not found:
        yield Problem(code="hl7-no-referral-id", at="referral-id", rule="RF1-6, else OBR-2")
    differ = [r for value, r in found if value != found[0][0]]
    yield from (Problem(code="hl7-several-referrals", at=r.place()) for r in differ)
    yield from (Problem(code="hl7-id-shape", at=r.place()) for value, r in found if not value.isprintable())


def referral_id_warnings(message: Message) -> Iterator[Problem]:
    """A date where the identifier should be was passed over: columns slip, and a date is many people's."""
    for repetition in message.find(_RF1_ID) if message.once(_searches) else ():
        if _DATE_LIKE.fullmatch(_entity(repetition)):
            yield Problem(code="hl7-date-as-id", at=repetition.place(), shape=shape(_entity(repetition)))


def _searches(_message: Message) -> list[str]:
    """The searches that the mapping of this message asked for so far; the places come before the problems."""
    return []


def _all_ids(message: Message) -> list[tuple[str, Repetition]]:
    return _ids(message, _RF1_ID) or _ids(message, _PLACER)


def _ids(message: Message, path: Path) -> list[tuple[str, Repetition]]:
    found = ((_entity(repetition), repetition) for repetition in message.find(path))
    return [(value, r) for value, r in found if value and not _DATE_LIKE.fullmatch(value)]


def _entity(repetition: Repetition) -> str:
    """An EI as one text: the identifier and what names its authority, `226839^EPIC`."""
    parts = (repetition.part(n).strip() for n in range(1, 5))
    return "^".join(part for part in parts if part and part != DELETE)


# The person


def person_problems(message: Message) -> Iterator[Problem]:
    """A second PID would lend its address or its number to the first."""
    more = islice(message.every("PID"), 1, None)
    yield from (Problem(code="hl7-several-persons", at=f"PID[{pid.occurrence}]") for pid in more)


def nhs_numbers(message: Message, profile: Profile) -> Iterator[Found]:
    """Every number that PID-3, PID-2, PID-4 or PID-19 types as an NHS number, and the profile's places.

    All of them, because two that differ leave open who is meant.
    """
    typed = (r for field in _NHS_FIELDS for r in _of_person(message, field) if _is_nhs_number(r))
    named = chain.from_iterable(message.find(parse_path(place)) for place in profile.nhs_numbers_at)
    found = ((r.part(1).strip(), r) for r in chain(typed, named))
    yield from (Found(value=value, at=r.place(1)) for value, r in found if value not in ("", DELETE))


def earlier_nhs_numbers(message: Message) -> Iterator[Found]:
    """The NHS numbers of the record that was merged away: MRG-1, typed as in PID-3."""
    for repetition in _of_earlier(message):
        if _is_nhs_number(repetition):
            yield Found(value=repetition.part(1).strip(), at=repetition.place(1))


def earlier_local_ids(message: Message) -> Iterator[Found]:
    """Every other identifier of the record that was merged away."""
    for repetition in _of_earlier(message):
        if not _is_nhs_number(repetition) and repetition.part(1) not in ("", DELETE):
            yield Found(value=repetition.part(1).strip(), at=repetition.place(1))


def local_ids(message: Message, _profile: Profile) -> Iterator[Found]:
    """The sender's own key of the person: the first of PID-3 that is typed so."""
    for repetition in _of_person(message, 3):
        if repetition.part(5, 1).strip() in _LOCAL_TYPES and repetition.part(1) not in ("", DELETE):
            yield Found(value=repetition.part(1).strip(), at=repetition.place(1))
            return


def deceased(message: Message, _profile: Profile) -> Iterator[Found]:
    """true or false: PID-30 counts where PID-29 is empty; RESURREC in PID-29 takes a death back.

    A flag that is neither yes nor no stays as it is, so that it is told and nobody is taken to live.
    """
    died, flag = message.first("PID-29"), message.first("PID-30")
    if died.startswith("RESURREC"):
        yield Found(value="false", at="PID-29")
    elif flag and not died:
        yield Found(value=_DEAD.get(flag.upper(), flag), at="PID-30")


def deceased_on(message: Message, _profile: Profile) -> Iterator[Found]:
    """PID-29, where it holds a date."""
    died = message.first("PID-29")
    if died and not died.startswith("RESURREC"):
        yield Found(value=died, at="PID-29")


def _of_person(message: Message, field: int) -> Iterator[Repetition]:
    return chain.from_iterable(pid.repetitions(field) for pid in message.every("PID"))


def _of_earlier(message: Message) -> Iterator[Repetition]:
    return chain.from_iterable(merged.repetitions(1) for merged in message.every("MRG"))


def _is_nhs_number(repetition: Repetition) -> bool:
    """Typed NH or NHS, of authority NHS without another type, or NI of ten digits (CX.4 and CX.5)."""
    value, authority = repetition.part(1).strip(), repetition.part(4, 1).strip()
    kind = repetition.part(5, 1).strip()
    if not value or value == DELETE:
        return False
    if kind == "NI":
        return authority in ("", "NHS") and _TEN_DIGITS.fullmatch(value) is not None
    return kind in _NHS_TYPES or (authority == "NHS" and not kind)
