"""The traceparent header of W3C Trace Context (https://www.w3.org/TR/trace-context/, 3.2)."""

import re
from uuid import UUID, uuid5

from bridge.domain.referral import BRIDGE

HEADER = "traceparent"

_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = "01"


def accepted(said: str) -> str:
    """The header in the form of version 00, or "" for one that the standard tells to throw away."""
    found = _FORM.fullmatch(said.strip())
    if found is None:
        return ""
    version, trace, parent, flags, more = found.groups()
    if version == "ff" or (version == "00" and more) or not (trace.strip("0") and parent.strip("0")):
        return ""
    return f"00-{trace}-{parent}-{flags}"


def onward(received: str, *, correlation_id: str, span: str) -> str:
    """What goes to a partner: the trace that came in, else one made of the correlation id; `span` is ours.

    `span` is 16 hexadecimal digits.
    """
    parts = accepted(received).split("-")
    trace, flags = (parts[1], parts[3]) if len(parts) == 4 else (_trace_of(correlation_id), _SAMPLED)
    return f"00-{trace}-{span}-{flags}"


def _trace_of(correlation_id: str) -> str:
    """The trace id of a conversation: its UUID where it is one; never the one that means none."""
    try:
        known = UUID(correlation_id)
    except ValueError:
        known = UUID(int=0)
    return known.hex if known.int else uuid5(BRIDGE, correlation_id).hex
