"""One referral's story in plain words: what came in, what went out, what came back. No patient data."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from typing import Any

from bridge.errors.catalogue import meaning

Told = Mapping[str, Any]

_HAPPENED = {
    "referred": "The record says: referred. A referral was opened.",
    "changed": "The record says something else now; the referral was changed.",
    "cancelled": "The practice took the entry back; the referral was cancelled.",
    "entered-in-error": "The practice says that it never was; the referral was taken back.",
    "declined": "The person declined; the referral was withdrawn.",
}
_DOES = {
    "create": "Sent to {partner}",
    "change": "Change sent to {partner}",
    "cancel": "Cancellation sent to {partner}",
    "file": "Filed in {partner}",
}
_IS = {
    "create": "Referral to {partner}",
    "change": "Change to {partner}",
    "cancel": "Cancellation to {partner}",
    "file": "Entry in {partner}",
}
_BECAUSE = {  # of what the service itself reported
    ("change", "closed"): "Told {partner} that the referral has ended here too",
    ("cancel", "rejected"): "Told {partner} that the referral has ended here too",
    ("file", "measure"): "The score, filed in {partner}",
    ("file", "closed"): "The closure, filed in {partner}",
}
_ENDED = {
    "superseded": "a newer version took its place before it left",
    "withheld": "held back at the last look",
    "shadow": "computed and not sent; the practice is in shadow",
    "discarded": "closed by a person",
}
_SAYS = {
    "received": "has received it",
    "accepted": "accepts it",
    "rejected": "does not take it",
    "unreachable": "cannot reach the person",
    "booked": "has booked an appointment",
    "attended": "has seen the person",
    "not-attended": "waited; the person did not come",
    "in-progress": "is under way with it",
    "on-hold": "has put it on hold",
    "measure": "reports a score",
    "onward": "has referred the person on",
    "signpost": "has told the person where to go",
    "closed": "has closed the case",
    "failed": "could not help",
    "cancelled": "has stopped",
    "reopened": "has opened the case again",
    "entered-in-error": "takes back what it reported",
}


_LETTER = {
    "listed": "it stands on the practice's worklist",
    "infrastructure-acknowledged": "the practice's system has it",
    "practice-acknowledged": "the practice's system has it and knows the person",
    "filed": "the practice has put it into the record",
}
_TROUBLE = ("parked", "not-sent", "refused")


class Way(StrEnum):
    """Where a moment of a story belongs: what came in, what went out, what came back, what went wrong."""

    IN = "in"
    OUT = "out"
    BACK = "back"
    TROUBLE = "trouble"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Something that happened at `at` (ms), and the last of `times` times at `until`."""

    at: int
    words: str
    way: Way
    times: int = 1
    until: int = 0


def moments(told: Told, names: Mapping[str, str], *, released: bool = False) -> list[Moment]:
    """What happened and when, in order; of one moment, as the journey goes. Repeats are told once."""
    found = [
        *_events(told),
        *_deliveries(told, names, released=released),
        *_outcomes(told, names),
        *_letters(told),
    ]
    found.sort(key=lambda moment: moment.at)
    return [_once(list(same)) for _, same in groupby(found, key=lambda moment: (moment.words, moment.way))]


def _once(same: list[Moment]) -> Moment:
    return replace(same[0], times=len(same), until=same[-1].at)


def _events(told: Told) -> Iterator[Moment]:
    for event in told["events"]:
        if event["kind"] == "outcome":
            continue  # it is told as what the service says
        at = f" ({event['position']})" if event["position"] else ""
        words = meaning(event["code"])[0] if event["code"] else ""
        if event["state"] == "applied":
            words = _HAPPENED.get(event["kind"], words)
        way = Way.TROUBLE if event["state"] in _TROUBLE else Way.IN
        yield Moment(at=event["at"], words=f"{words or event['state']}{at}", way=way)


def _deliveries(told: Told, names: Mapping[str, str], *, released: bool) -> Iterator[Moment]:
    reported = {outcome["id"]: outcome["kind"] for outcome in told["outcomes"]}
    letters = {letter["id"]: letter for letter in told["letters"]}
    for sent in told["deliveries"]:
        does = _does_of(sent, names, reported.get(sent["cause"], ""))
        if sent["id"] in letters:
            does = f"{_letter(letters[sent['id']])} to {names.get(sent['partner'], sent['partner'])}"
        for attempt in sent["tries"]:
            way = Way.OUT if attempt["result"] == "accepted" else Way.TROUBLE
            yield Moment(at=attempt["at"], words=f"{does}: {_tried(sent, attempt)}", way=way)
        if sent["state"] in _ENDED:
            yield Moment(at=sent["settled_at"], words=f"{does}: {_ended(sent)}", way=Way.WAITING)
        elif not sent.get("settled_at") and not sent["tries"]:
            waits = "it waits for a person" if sent["state"] == "parked" else "it waits for its turn"
            yield Moment(at=sent["created_at"], words=f"{does}: {waits}", way=Way.WAITING)
        if released and sent["released"]:
            words = f"Field groups that may leave with it: {sent['released']}"
            yield Moment(at=sent["created_at"], words=words, way=Way.OUT)


def _does_of(sent: Told, names: Mapping[str, str], outcome: str) -> str:
    does = _BECAUSE.get((sent["kind"], outcome), _DOES[sent["kind"]])
    return does.format(partner=names.get(sent["partner"], sent["partner"]))


def what_of(sent: Told, names: Mapping[str, str]) -> str:
    """What a delivery is, and for whom, whether it has left or not."""
    return _IS[sent["kind"]].format(partner=names.get(sent["partner"], sent["partner"]))


def _tried(sent: Told, attempt: Told) -> str:
    if attempt["result"] != "accepted":
        return meaning(attempt["code"])[0] or attempt["result"]
    there = f" as {sent['reference']}" if sent.get("reference") and sent["kind"] == "create" else ""
    return f"accepted in {attempt['took_ms']} ms{there}"


def _ended(sent: Told) -> str:
    return meaning(sent["code"])[0] if sent["code"] else _ENDED[sent["state"]]


def _letters(told: Told) -> Iterator[Moment]:
    """What became of a letter after its route had taken it."""
    for letter in told["letters"]:
        failed = letter["state"] in ("refused", "unanswered")
        words = meaning(letter["code"])[0] if failed else _LETTER.get(letter["state"], "")
        if words:
            way = Way.TROUBLE if failed else Way.BACK
            yield Moment(at=letter["moved_at"], words=f"{_letter(letter)}: {words}", way=way)


def _letter(letter: Told) -> str:
    again = f", version {letter['version']}" if letter["version"] > 1 else ""
    return f"The {letter['kind']} letter{again}"


def _outcomes(told: Told, names: Mapping[str, str]) -> Iterator[Moment]:
    service = names.get(told["service"], "The service")
    for outcome in told["outcomes"]:
        says = _SAYS.get(outcome["kind"], outcome["kind"])
        yield Moment(at=outcome["at"], words=f"{service} {says}", way=Way.BACK)
