"""Phone numbers and e-mail addresses of HL7 v2, which senders spread over the XTN components at will.

`^PRN^PH^^^020^79460000`, `020 7946 0000^PRN^CP`, `^NET^Internet^a@b.uk`, `02079460000^^^HOME`: the parts are
told by their shape, never by their place alone.
"""

from collections.abc import Iterable, Iterator

from bridge.sources.record import Found
from bridge.wire.hl7v2 import DELETE, Repetition, Segment

_HOME = frozenset({"PRN", "HOME", "H", "VHN"})  # HL7 table 0201 and the words used instead
_WORK = frozenset({"WPN", "WORK", "W"})
_MOBILE = frozenset({"CP", "MOBILE", "M"})  # HL7 table 0202
_NO_VOICE = frozenset({"FX", "FAX", "BP", "BPN", "MD"})
_OTHER = frozenset({"PH", "NET", "INTERNET", "EMAIL", "ORN", "ASN", "EMR"})
_TOKENS = _HOME | _WORK | _MOBILE | _NO_VOICE | _OTHER
_COMPONENTS = range(1, 13)


def telecoms(repetitions: Iterable[Repetition]) -> Iterator[tuple[str, Found]]:
    """Each number or address with its kind: phone, phone-home, phone-mobile, phone-work or email."""
    for repetition in repetitions:
        if not repetition.raw or repetition.components[0] == DELETE:
            continue
        parts = {n: repetition.part(n).strip() for n in _COMPONENTS}
        address = next((n for n in _COMPONENTS if "@" in parts[n]), 0)
        if address:
            yield "email", Found(value=parts[address], at=repetition.place(address))
            continue
        component, number = _number(parts)
        kind = _kind(repetition, {parts[n].upper() for n in (2, 3, 4)})
        if number and kind:
            yield kind, Found(value=number, at=repetition.place(component))


def looks_like_telecom(repetition: Repetition) -> bool:
    """Whether a repetition of any field is an XTN by the use or equipment it names."""
    return bool({repetition.part(n).strip().upper() for n in (2, 3)} & _TOKENS)


def telecom_fields(segment: Segment, first: int) -> Iterator[Repetition]:
    """The repetitions, from a field on, that look like phone numbers or addresses."""
    for field in range(first, len(segment.fields)):
        yield from filter(looks_like_telecom, segment.repetitions(field))


def _number(parts: dict[int, str]) -> tuple[int, str]:
    """The component that holds the number, and the number: whole, or put together from its pieces."""
    whole = next((n for n in (1, 12, 10) if parts[n]), 0)
    if whole:
        return whole, parts[whole]
    pieces = [parts[n] for n in (5, 6, 7) if parts[n]]
    extension = [f"ext {parts[8]}"] if parts[8] and parts[7] else []
    return 7, " ".join((*pieces, *extension)) if parts[7] else ""


def _kind(repetition: Repetition, words: set[str]) -> str:
    if words & _NO_VOICE:
        return ""
    if words & _MOBILE:
        return "phone-mobile"
    business = repetition.segment.id == "PID" and repetition.field == 14
    if words & _WORK or (business and not words & _HOME):
        return "phone-work"
    return "phone-home" if words & _HOME else "phone"
