"""One referral's story in plain words and London time: what came in, what went out, what came back."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from bridge.cli import output
from bridge.domain.dates import LONDON

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


def show(told: Told, names: Mapping[str, str] | None = None, *, released: bool = False) -> None:
    """Print a story as `views.referral_story` tells it; `names` are those of partners, for people."""
    shadow = ", in shadow: nothing is sent" if told["shadow"] else ""
    output.out.print(
        f"[bold]Referral {told['id']}[/]: {told['state']}{shadow}; practice {told['practice']}",
        highlight=False,
    )
    shown = Table.grid(padding=(0, 2))
    shown.add_column(no_wrap=True)
    shown.add_column(overflow="fold")
    day = ""
    for at, words in moments(told, names or {}, released=released):
        when = datetime.fromtimestamp(at / 1000, UTC).astimezone(LONDON)
        if (today := f"{when:%A %d %B %Y}, London") != day:
            day = today
            shown.add_row("", f"[dim]{day}[/]")
        shown.add_row(f"  {when:%H:%M:%S}", words)
    output.out.print(shown, highlight=False)


def moments(told: Told, names: Mapping[str, str], *, released: bool = False) -> list[tuple[int, str]]:
    """What happened and when (milliseconds), in order; of one moment, as the journey goes."""
    found = [*_events(told), *_deliveries(told, names, released=released), *_outcomes(told, names)]
    return sorted(found, key=lambda moment: moment[0])


def _events(told: Told) -> Iterator[tuple[int, str]]:
    for event in told["events"]:
        if event["kind"] == "outcome":
            continue  # it is told as what the service says
        at = f" ({event['position']})" if event["position"] else ""
        words = output.meaning(event["code"])[0] if event["code"] else ""
        if event["state"] == "applied":
            words = _HAPPENED.get(event["kind"], words)
        yield event["at"], f"{words or event['state']}{at}"


def _deliveries(told: Told, names: Mapping[str, str], *, released: bool) -> Iterator[tuple[int, str]]:
    reported = {outcome["id"]: outcome["kind"] for outcome in told["outcomes"]}
    for sent in told["deliveries"]:
        does = _BECAUSE.get((sent["kind"], reported.get(sent["cause"], "")), _DOES[sent["kind"]])
        does = does.format(partner=names.get(sent["partner"], sent["partner"]))
        for attempt in sent["tries"]:
            yield attempt["at"], f"{does}: {_tried(sent, attempt)}"
        if sent["state"] in _ENDED:
            yield sent["settled_at"], f"{does}: {_ended(sent)}"
        elif not sent.get("settled_at") and not sent["tries"]:
            yield sent["created_at"], f"{does}: it waits for its turn"
        if released and sent["released"]:
            yield sent["created_at"], f"Field groups that may leave with it: {sent['released']}"


def _tried(sent: Told, attempt: Told) -> str:
    if attempt["result"] != "accepted":
        return output.meaning(attempt["code"])[0] or attempt["result"]
    there = f" as {sent['reference']}" if sent.get("reference") and sent["kind"] == "create" else ""
    return f"accepted in {attempt['took_ms']} ms{there}"


def _ended(sent: Told) -> str:
    return output.meaning(sent["code"])[0] if sent["code"] else _ENDED[sent["state"]]


def _outcomes(told: Told, names: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    service = names.get(told["service"], "The service")
    for outcome in told["outcomes"]:
        yield outcome["at"], f"{service} {_SAYS.get(outcome['kind'], outcome['kind'])}"
