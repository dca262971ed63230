"""The words of an alert: one message for everything that is to be told at one time, the loudest first."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from bridge.domain.dates import LONDON
from bridge.errors.catalogue import CATALOGUE
from bridge.ops.checks import NAMES
from bridge.ops.conditions import Notice, Severity
from bridge.partners.alerts import Message

_HEADS = {Severity.CRITICAL: "URGENT", Severity.FAIL: "FAILED", Severity.WARN: "Look"}


def message(notices: Sequence[Notice], *, node: str) -> Message:
    """Everything in `notices`, which is in its order and not empty."""
    ids = "|".join(f"{notice.id} {notice.cleared} {notice.at}" for notice in notices)
    return Message(
        id=str(uuid5(NAMESPACE_URL, ids)),
        subject=_subject(notices),
        text="\n\n".join(map(_told, notices)) + f"\n\nTold by node {node}.\n",
        loud=any(n.severity == Severity.CRITICAL and not n.cleared for n in notices),
        body={"version": 1, "node": node, "alerts": [_data(notice) for notice in notices]},
    )


def trial(node: str, at: int) -> Message:
    """What `bridge alerts test` sends."""
    words = "This is a test of the alerts of the referral bridge. Nothing is wrong."
    return Message(
        id=str(uuid5(NAMESPACE_URL, f"trial|{node}|{at}")),
        subject="Referral bridge: test of the alerts",
        text=f"{words}\n\nTold by node {node}.\n",
        loud=False,
        body={"version": 1, "node": node, "alerts": []},
    )


def _subject(notices: Sequence[Notice]) -> str:
    first = notices[0]
    more = f" (and {len(notices) - 1} more)" if len(notices) > 1 else ""
    return f"Referral bridge: {_head(first)}: {_place(first)}{more}"


def _head(notice: Notice) -> str:
    if notice.cleared:
        return "Over"
    if notice.code == "cancel-waiting":
        return "URGENT: A CANCEL IS PARKED"
    return _HEADS[Severity(notice.severity)]


def _place(notice: Notice) -> str:
    return " ".join(part for part in (notice.code, notice.of) if part)


def _told(notice: Notice) -> str:
    entry = CATALOGUE[notice.code]
    lines = [f"{_head(notice)}: {_place(notice)}"]
    if notice.cleared:
        lines.append(f"It began {_local(notice.since)} and is over since {_local(notice.at)}.")
        return "\n".join(lines)
    counted = f" ({notice.count:g})" if notice.check.startswith("parked:") else ""
    lines += [
        f"{entry.meaning}{counted}",
        f"What to do: {entry.next_step}",
        f"Since {_local(notice.since)}. Check {notice.check}: {NAMES[notice.check]}",
    ]
    return "\n".join(lines)


def _data(notice: Notice) -> dict[str, Any]:
    entry = CATALOGUE[notice.code]
    return {
        "id": notice.id,
        "state": "cleared" if notice.cleared else "raised",
        "severity": notice.severity,
        "check": notice.check,
        "of": notice.of,
        "code": notice.code,
        "count": notice.count,
        "words": entry.meaning,
        "next_step": entry.next_step,
        "since": _utc(notice.since),
        "until": _utc(notice.at) if notice.cleared else None,
    }


def _utc(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _local(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, LONDON).strftime("%A %d %B %Y %H:%M")
