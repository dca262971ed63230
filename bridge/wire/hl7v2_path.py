"""The notation of a place in an HL7 v2 message: `PID-7`, `PID-3[5=NH].1`, `PRD[1=RP]-7.1`, `PID-11[1].5`."""

import re
from dataclasses import dataclass

_BRACKET = r"(?:\[(?:(\d{1,5})|(\d{1,5})(?:\.(\d{1,5}))?=([^\]\[]+))\])?"
_PATH = re.compile(
    rf"([A-Z][A-Z0-9]{{2}}){_BRACKET}-(\d{{1,3}}){_BRACKET}(?:\.(\d{{1,3}})(?:\.(\d{{1,3}}))?)?", re.ASCII
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """One equality: `major` is a field of a segment or a component of a repetition, `minor` its part."""

    major: int
    minor: int
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A parsed place.

    `segment` and `field` are chosen among their repetitions by number or by selector; 0 and None mean all.
    `component` and `subcomponent` are 0 when the whole above them is meant.
    """

    segment: str
    occurrence: int = 0
    which_segment: Selector | None = None
    field: int
    repetition: int = 0
    which_repetition: Selector | None = None
    component: int = 0
    subcomponent: int = 0


def parse_path(text: str) -> Path:
    """Parse the notation; ValueError when it is not a place (numbers start at 1, one choice per step)."""
    found = _PATH.fullmatch(text)
    if not found:
        raise ValueError("not an HL7 v2 place such as PID-7, PID-3[5=NH].1, PRD[1=RP]-7.1 or PID-11[1].5")
    segment, nth, s_major, s_minor, s_value, field, number, major, minor, value, component, part = (
        found.groups()
    )
    numbers = (nth, s_major, s_minor, field, number, major, minor, component, part)
    if any(n is not None and int(n) == 0 for n in numbers):
        raise ValueError("HL7 v2 places are counted from 1")
    return Path(
        segment=segment,
        occurrence=int(nth or 0),
        which_segment=_selector(s_major, s_minor, s_value),
        field=int(field),
        repetition=int(number or 0),
        which_repetition=_selector(major, minor, value),
        component=int(component or 0),
        subcomponent=int(part or 0),
    )


def _selector(major: str | None, minor: str | None, value: str | None) -> Selector | None:
    if major is None or value is None:
        return None
    return Selector(major=int(major), minor=int(minor or 1), value=value)
