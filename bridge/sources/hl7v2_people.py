"""HL7 v2 ADT, news of a person: A08, A28 and A31 give details anew, A40 says that two records were of one.

A field that is empty says nothing and changes nothing; `""` empties it (ITK HL7 v2 specification). What a
field says replaces all that an earlier message said in it.
"""

from collections.abc import Iterator

from bridge.domain.person import NewsKind
from bridge.sources import hl7v2_identity as identity
from bridge.sources.hl7v2_profile import Profile
from bridge.sources.hl7v2_record import Hl7Record
from bridge.sources.record import Found, PersonRecord
from bridge.wire.hl7v2 import Message

TRIGGERS = {
    "A08": NewsKind.CHANGED,
    "A28": NewsKind.CHANGED,
    "A31": NewsKind.CHANGED,
    "A40": NewsKind.MERGED,
}
# Which fields of Patient each field of PID speaks of. Who it is (PID-3) is never changed by such a message.
_SPEAKS_OF = {
    5: ("family", "given", "prefix"),
    7: ("birth_date",),
    8: ("gender",),
    11: ("address",),
    13: ("telecoms",),
    14: ("telecoms",),
    15: ("language",),
    29: ("deceased", "deceased_on"),
    30: ("deceased", "deceased_on"),
}


def is_of_person(message: Message) -> bool:
    """Whether the message is an ADT event that is used here."""
    return message.first("MSH-9.1") == "ADT" and _trigger(message) in TRIGGERS


def person_record(message: Message, profile: Profile) -> PersonRecord:
    """The record of an ADT message that `is_of_person`."""
    kind = TRIGGERS[_trigger(message)]
    merged = kind is NewsKind.MERGED
    numbers = (*identity.nhs_numbers(message, profile), *identity.earlier_nhs_numbers(message))
    return PersonRecord(
        record=Hl7Record(message=message, profile=profile, of_person=True),
        kind=kind,
        said=frozenset() if merged else frozenset(_said(message)),
        numbers=_values(numbers) if merged else (),
        local_keys=_values((*identity.local_ids(message, profile), *identity.earlier_local_ids(message)))
        if merged
        else (),
    )


def _trigger(message: Message) -> str:
    """MSH-9.2, else EVN-1; the structure in MSH-9.3 is one for many events."""
    return message.first("MSH-9.2") or message.first("EVN-1")


def _said(message: Message) -> Iterator[str]:
    for field, names in _SPEAKS_OF.items():
        if message.get(f"PID[1]-{field}"):
            yield from names


def _values(found: tuple[Found, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.value for each in found if each.value))
