"""Transforms of HL7 v2 times, as one sender writes them."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bridge.domain import dates
from bridge.domain.dates import Said
from bridge.sources.hl7v2_profile import Profile
from bridge.sources.transforms import Transform

_OFFSET = re.compile(r"[+-]\d{4}(?=\^|\Z)")
_WALL = re.compile(r"\d{12}(?=(?:\d\d(?:\.\d{1,9})?)?(?:\^|\Z))")  # to the minute or better, and no offset
_LONDON = "Europe/London"


def time_transforms(profile: Profile) -> Mapping[str, Transform]:
    """hl7_time keeps what was said, hl7_date drops a time of day, hl7_moment gives an instant or nothing."""

    def time(text: str) -> Said:
        return dates.hl7_time(_as_meant(text, profile))

    def date(text: str) -> Said:
        return Said(text=time(text).text[:10])

    def moment(text: str) -> Said:
        return message_moment(text, profile)

    return {"hl7_time": time, "hl7_date": date, "hl7_moment": moment}


def message_moment(text: str, profile: Profile) -> Said:
    """An instant, or no text and the reason as a warning: arrival then stands in for the sender's clock."""
    try:
        said = dates.hl7_time(_as_meant(text, profile))
    except ValueError as error:
        return Said(warning=str(error) if text else "hl7-time-no-clock")
    return said if "T" in said.text else Said(warning="hl7-time-no-clock")


def _as_meant(text: str, profile: Profile) -> str:
    """The text with the offset that the sender means: none, the one it wrote, or that of its zone."""
    if profile.offset_is_a_lie:
        text = _OFFSET.sub("", text)
    wall = _WALL.match(text)
    if wall is None or profile.zone == _LONDON:
        return text
    try:
        at = datetime.strptime(wall.group(), "%Y%m%d%H%M").replace(tzinfo=ZoneInfo(profile.zone))
    except ValueError:
        raise ValueError("date-impossible") from None
    head, caret, precision = text.partition("^")
    return f"{head}{at:%z}{caret}{precision}"
