"""Which mapping reads what a FHIR caller sends: messages (BaRS) and resources have one each."""

from bridge.errors import Forbidden, Problem
from bridge.intake.desk import Desk
from bridge.security.caller import Caller, Role
from bridge.sources import Source

FORMAT = "fhir"
SHIPPED = {True: "bars", False: "fhir-r4"}  # by whether it reads messages


def sources_of(desk: Desk, *, messages: bool) -> dict[str, Source]:
    """Every source that reads FHIR messages, or every one that reads FHIR resources."""
    return {
        name: source
        for name, source in desk.sources.items()
        if source.mapping.format == FORMAT and ("versions" in source.mapping.codes) is messages
    }


def source_for(desk: Desk, caller: Caller, *, messages: bool) -> Source:
    """The one source of that kind this caller sends from, the shipped one where it has several.

    Forbidden when the caller is no GP system, or the choice is not clear.
    """
    theirs = {n: s for n, s in sources_of(desk, messages=messages).items() if n in caller.sources}
    chosen = theirs.get(SHIPPED[messages]) if len(theirs) != 1 else next(iter(theirs.values()))
    if Role.SYSTEM not in caller.roles or chosen is None:
        raise Forbidden(problems=(Problem(code="source-not-yours"),))
    return chosen


def versions_of(source: Source) -> frozenset[str]:
    """The BaRS Application versions a source accepts."""
    return frozenset(source.mapping.codes.get("versions", {}))
