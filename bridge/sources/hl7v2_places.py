"""Places that HL7 v2 senders do not agree on, by name: a mapping uses `referral-id` as it would use `RF1-6`.

Each name is a search in code, with a fixed order and its reasons; everything that has one place in every
message is left to plain notation.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from bridge.errors import Problem
from bridge.sources import hl7v2_identity as identity
from bridge.sources.hl7v2_profile import Profile
from bridge.sources.hl7v2_telecoms import telecom_fields, telecoms
from bridge.sources.record import Found
from bridge.wire.hl7v2 import DELETE, Message, Repetition, Segment
from bridge.wire.hl7v2_path import Path, parse_path

Search: TypeAlias = Callable[[Message, Profile], Iterator[Found]]

_NAME, _ADDRESS = parse_path("PID[1]-5[1]"), parse_path("PID[1]-11[1]")
_TITLES = frozenset({"DR", "MR", "MRS", "MS", "MISS", "MX", "PROF", "REV"})
_CODE_LIKE = re.compile(r"[A-Z0-9_.-]{0,40}")
_COMMENT_TYPES = frozenset({"PI", "AI", "GI", "1R", "2R", "GR", "RE", "DR"})  # HL7 table 0364
_TEXT_TYPES = frozenset({"FT", "TX"})
_WITHDRAWN = frozenset({"D", "W"})  # HL7 table 0085: deleted; wrong, such as of another person


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPlace:
    """A search, and what it reads beside the places it finds; neither is reported as unused."""

    name: str
    search: Search
    reads: tuple[Path, ...]


# The person


def _given_names(message: Message, _profile: Profile) -> Iterator[Found]:
    """First and further given names of the first PID-5."""
    yield from _parts(message, _NAME, (2, 3))


def _address_lines(message: Message, _profile: Profile) -> Iterator[Found]:
    """Street and further line of the first PID-11."""
    yield from _parts(message, _ADDRESS, (1, 2))


def _parts(message: Message, place: Path, components: tuple[int, ...]) -> Iterator[Found]:
    for repetition in message.find(place):
        found = ((n, repetition.part(n).strip()) for n in components)
        yield from (Found(value=v, at=repetition.place(n)) for n, v in found if v not in ("", DELETE))


def _patient_telecoms(kind: str) -> Search:
    def search(message: Message, _profile: Profile) -> Iterator[Found]:
        return (found for said, found in message.once(_of_patient) if said == kind)

    return search


def _of_patient(message: Message) -> list[tuple[str, Found]]:
    fields = (r for pid in message.every("PID") for field in (13, 14) for r in pid.repetitions(field))
    return list(telecoms(fields))


_CAUTION = {"R": 0, "X": 1, "A": 3}  # HL7 table 0498; what is neither a no nor a yes stands between


def _consent(message: Message, _profile: Profile) -> Iterator[Found]:
    """CON-11, of several consents that of the one that gives least: one no outweighs a yes."""
    said = ((_one(consent, 11, 1), consent.place(11)) for consent in message.every("CON"))
    found = [Found(value=value, at=at) for value, at in said if value]
    yield from sorted(found, key=lambda each: _CAUTION.get(each.value or "", 2))[:1]


# The providers


_REQUESTER = ("RP", "AP")  # HL7 table 0286 referring; Australian authoring
_REGISTERS = ("GMC", "GMP", "NMC", "SDS", "ODS")
_RECIPIENT = ("RT", "IR")  # referred to; Australian intended recipient


def _providers(message: Message, roles: tuple[str, ...]) -> list[Segment]:
    """The PRD segments of the first role that anybody has."""
    by_role = message.once(_by_role)
    return next((by_role[role] for role in roles if role in by_role), [])


def _by_role(message: Message) -> dict[str, list[Segment]]:
    found: dict[str, list[Segment]] = {}
    for provider in message.every("PRD"):
        for role in dict.fromkeys(r.part(1, 1).strip() for r in provider.repetitions(1)):
            found.setdefault(role, []).append(provider)
    return found


def _requester_name(message: Message, _profile: Profile) -> Iterator[Found]:
    """Title, given and family name of PRD-2, or of PRD-3 where a title shows that the name slipped there."""
    for provider in _providers(message, _REQUESTER)[:1]:
        names = [r for field in (2, 3) for r in provider.repetitions(field)[:1] if _is_name(r)]
        for name in names[:1]:
            words = (name.part(n).strip() for n in (5, 2, 3, 1))
            yield Found(value=" ".join(w for w in words if w not in ("", DELETE)), at=name.place())


def _organisation_name(roles: tuple[str, ...]) -> Search:
    """The name of the organisation: PRD-10 (2.8), else the description or the facility of PRD-4."""

    def search(message: Message, _profile: Profile) -> Iterator[Found]:
        for provider in _providers(message, roles)[:1]:
            held = ((provider.repetitions(field)[0], n) for field, n in ((10, 1), (4, 9), (4, 4)))
            found = [
                (r.part(n).strip(), r.place(n)) for r, n in held if r.part(n).strip() not in ("", DELETE)
            ]
            yield from (Found(value=value, at=at) for value, at in found[:1])

    return search


def _is_name(repetition: Repetition) -> bool:
    if repetition.field == 2:
        return repetition.part(1).strip() not in ("", DELETE)
    return repetition.part(5).strip().rstrip(".").upper() in _TITLES


def _provider_ids(roles: tuple[str, ...], kind: str) -> Search:
    """Identifiers are known by the type beside them (`1234567^^GMC`), whatever field they slipped to."""

    def search(message: Message, _profile: Profile) -> Iterator[Found]:
        for provider in _providers(message, roles):
            for field in range(2, len(provider.fields)):
                if kind not in provider.raw(field).upper():
                    continue
                for repetition in provider.repetitions(field):
                    last = min(len(repetition.components), 9)
                    types = (repetition.part(n, 1).strip().upper() for n in range(2, last + 1))
                    if kind in types and repetition.part(1) not in ("", DELETE):
                        yield Found(value=repetition.part(1).strip(), at=repetition.place(1))

    return search


def _requester_telecoms(email: bool) -> Search:  # noqa: FBT001  said by name below
    def search(message: Message, _profile: Profile) -> Iterator[Found]:
        return (found for kind, found in message.once(_of_requester) if (kind == "email") is email)

    return search


def _of_requester(message: Message) -> list[tuple[str, Found]]:
    fields = (r for provider in _providers(message, _REQUESTER)[:1] for r in telecom_fields(provider, 3))
    return list(telecoms(fields))


# The text


def _free_text(message: Message, _profile: Profile) -> Iterator[Found]:
    """RF1-24 (2.8), every NTE-3 and every text of OBX-5 as one text, in the order sent, with their labels."""
    found = [text for segment in message.segments for text in _texts(segment)]
    if found:
        yield Found(value="\n".join(text.value or "" for text in found), at=found[0].at)


def _texts(segment: Segment) -> Iterator[Found]:
    if segment.id == "RF1" and _one(segment, 24, 0):
        yield Found(value=_one(segment, 24, 0), at=segment.place(24))
    elif segment.id == "NTE":
        yield from _comment(segment)
    elif _is_text(segment) and not _is_withdrawn(segment):
        label = _one(segment, 3, 2)
        text = "\n".join(r.part() for r in segment.repetitions(5))
        if text.strip() not in ("", DELETE):
            yield Found(value=f"{label}: {text}" if label else text, at=segment.place(5))


def _comment(note: Segment) -> Iterator[Found]:
    last = len(note.fields) - 1 if _slipped(note) else 3
    fields = ["\n".join(r.part() for r in note.repetitions(field)) for field in range(3, last + 1)]
    text = note.delimiters.field.join(fields)
    if text.strip() not in ("", DELETE):
        label = "" if _slipped(note) else _label(note)
        yield Found(value=f"{label}: {text}" if label else text, at=note.place(3))


def _label(note: Segment) -> str:
    """What kind of comment it is, in the sender's words."""
    code, words = _one(note, 4, 1), _one(note, 4, 2)
    return words or ("" if code in _COMMENT_TYPES else code)


def _slipped(note: Segment) -> bool:
    """Whether NTE-4 is no comment type but the rest of a text with a bare field separator in it."""
    return not _CODE_LIKE.fullmatch(_one(note, 4, 1))


def _one(segment: Segment, field: int, component: int) -> str:
    value = segment.repetitions(field)[0].part(component).strip()
    return "" if value == DELETE else value


def _is_text(segment: Segment) -> bool:
    return segment.id == "OBX" and segment.raw(2).strip() in _TEXT_TYPES


def _is_withdrawn(segment: Segment) -> bool:
    return segment.raw(11).strip() in _WITHDRAWN


def text_warnings(message: Message) -> Iterator[Problem]:
    """Texts that were put together again, and texts that are left out because their sender took them back."""
    for segment in message.segments:
        if segment.id == "NTE" and _slipped(segment):
            yield Problem(code="hl7-separator-in-text", at=segment.place(4))
        if _is_text(segment) and _is_withdrawn(segment):
            yield Problem(code="hl7-text-withdrawn", at=segment.place(11))


def _named(name: str, search: Search, *reads: str) -> NamedPlace:
    return NamedPlace(name=name, search=search, reads=tuple(map(parse_path, reads)))


_TYPED = ("PID-3.4", "PID-3.5", "PID-2.4", "PID-2.5", "PID-4.4", "PID-4.5", "PID-19.4", "PID-19.5")
_OBX = tuple(f"OBX[2={kind}]-{field}" for kind in ("FT", "TX") for field in (2, 3, 5, 11))
_CONTACTS = ("phone", "phone-home", "phone-mobile", "phone-work", "email")

PLACES: Mapping[str, NamedPlace] = {
    place.name: place
    for place in (
        _named("event", identity.event, "MSH-9", "RF1-1", "RF1-25", "EVN-1"),
        _named("referral-id", identity.referral_id, "RF1-6"),
        _named("nhs-number", identity.nhs_numbers, *_TYPED),
        _named("local-patient-id", identity.local_ids, "PID-3.4", "PID-3.5"),
        _named("given-names", _given_names),
        _named("address-lines", _address_lines),
        *(_named(f"patient-{kind}", _patient_telecoms(kind)) for kind in _CONTACTS),
        _named("deceased", identity.deceased, "PID-29", "PID-30"),
        _named("deceased-on", identity.deceased_on, "PID-29"),
        _named("consent", _consent, "CON-11"),
        _named("requester-name", _requester_name, "PRD-1"),
        *(_named(f"requester-{kind.lower()}", _provider_ids(_REQUESTER, kind)) for kind in _REGISTERS),
        _named("requester-organisation", _organisation_name(_REQUESTER)),
        _named("recipient-organisation", _organisation_name(_RECIPIENT)),
        _named("requester-phone", _requester_telecoms(email=False)),
        _named("requester-email", _requester_telecoms(email=True)),
        _named("recipient-ods", _provider_ids(_RECIPIENT, "ODS"), "PRD-1"),
        _named("free-text", _free_text, "NTE-3", "NTE-4", *_OBX),
    )
}
