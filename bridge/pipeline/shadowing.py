"""What another mapping would have made of the messages that came: live traffic in the shadow of a change.

Messages are kept as they came, so the shadow falls behind the traffic and never stands in its way: nobody
waits for it. Nothing is written or sent, and what is told holds no value of a message.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import zip_longest

from sqlalchemy import and_, bindparam, or_, select

from bridge.errors import Unreadable
from bridge.fhir.compare import plain_path
from bridge.fhir.trees import Json
from bridge.pipeline.comparing import compared, problems_said, said
from bridge.pipeline.rehearsal import Rehearsing, rehearse
from bridge.sources import Source
from bridge.store import messages
from bridge.store.tables import message
from bridge.store.unit import Store, Tx

BATCH = 100
Place = tuple[int, str]  # when it came in ms, and its id
_EVER = 2**62
By = Callable[[str], Source]  # the source as a caller uses it, by the name of the caller


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A message as it came; without content where its bytes are not held any more."""

    id: str
    caller: str
    received_at: int
    content: bytes | None = field(repr=False)

    @property
    def place(self) -> Place:
        """Where it stands in the order of all messages."""
        return self.received_at, self.id


@dataclass(slots=True, kw_only=True)
class Shadow:
    """What would be otherwise: in how many messages each element, and which messages (by id)."""

    messages: int = 0
    gone: int = 0  # messages whose bytes are not held any more
    elements: Counter[str] = field(default_factory=Counter)
    changed: dict[str, tuple[str, ...]] = field(default_factory=dict)


async def shadow(store: Store, name: str, since: int, old: By, new: By, assumed: Rehearsing) -> Shadow:
    """Compare two mappings on all that system `name` sent since then (ms)."""
    found, behind = Shadow(), (since, "")
    while batch := await store.read(partial(sent, name=name, behind=behind)):
        for kept in batch:
            look(found, kept, old(kept.caller), new(kept.caller), assumed)
        behind = batch[-1].place
    return found


def sent(tx: Tx, name: str, behind: Place, *, until: int = _EVER) -> list[Kept]:
    """The next messages of a system, in the order they came, up to then (ms)."""
    at, row_id = behind
    asked = {"source": name, "at": at, "row": row_id, "until": until, "most": BATCH}
    rows = tx.run(_SENT, asked)
    return [
        Kept(id=r.id, caller=r.caller, received_at=r.received_at, content=messages.get_body(tx, r.body_id))
        for r in rows
    ]


_SENT = (
    select(message.c.id, message.c.caller, message.c.received_at, message.c.body_id)
    .where(
        message.c.source == bindparam("source"),
        message.c.received_at <= bindparam("until"),
        or_(
            message.c.received_at > bindparam("at"),
            and_(message.c.received_at == bindparam("at"), message.c.id > bindparam("row")),
        ),
    )
    .order_by(message.c.received_at, message.c.id)
    .limit(bindparam("most"))
)


def look(found: Shadow, kept: Kept, old: Source, new: Source, assumed: Rehearsing) -> None:
    """Add what would be otherwise with one message."""
    found.messages += 1
    if kept.content is None:
        found.gone += 1
        return
    then = replace(assumed, arrived=datetime.fromtimestamp(kept.received_at / 1000, UTC))
    paths = tuple(dict.fromkeys(_differing(kept.content, old, new, then)))
    if paths:
        found.changed[kept.id] = paths
        found.elements.update(paths)


def _differing(body: bytes, old: Source, new: Source, assumed: Rehearsing) -> Iterator[str]:
    for left, right in zip_longest(_said(old, body, assumed), _said(new, body, assumed)):
        for difference in compared(left or {}, right or {}):
            yield plain_path(difference.path)


def _said(source: Source, body: bytes, assumed: Rehearsing) -> list[Json]:
    try:
        return [said(each) for each in rehearse(source, body, assumed)]
    except Unreadable as refusal:
        return [{"problems": problems_said(refusal.problems)}]
