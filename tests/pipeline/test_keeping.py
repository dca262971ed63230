"""Keeping: one commit for a message, what it did and what was answered; no fault of ours loses it."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.journey import EventState
from bridge.errors import Conflict, Problem
from bridge.pipeline import keeping
from bridge.pipeline.keeping import Done
from bridge.pipeline.verdict import Terms, Verdict
from bridge.store import Store, messages
from bridge.store.messages import EventRow, Message
from bridge.store.unit import Tx
from tests.pipeline.desk import a_context, a_message

PROBLEM = (Problem(code="fhir-required", at="Bundle.id"),)


def remembering(message: Message, seen: list[Verdict]) -> Any:
    """What a door does beside keeping: remember the request, once."""

    def also(tx: Tx, verdict: Verdict) -> None:
        tx.lock("request|r1")
        if messages.seen_request(tx, message.caller, "r1") is not None:
            raise Conflict
        seen.append(verdict)
        messages.answer_request(
            tx,
            caller=message.caller,
            request_id="r1",
            correlation_id="c1",
            message_id=message.id,
            status=400,
            answer=b"no",
            answer_id=f"a{message.id}"[:36],
        )

    return also


async def test_of_two_messages_under_one_request_id_one_is_kept(store: Store) -> None:
    """Whichever comes first, on whichever node; of the other nothing stays."""
    sent = [a_message(), a_message()]
    done = await asyncio.gather(
        *(keeping.refuse(store, a_context(), m, PROBLEM, remembering(m, [])) for m in sent),
        return_exceptions=True,
    )
    kept = [await store.read(lambda tx, m=m: messages.is_kept(tx, m.id)) for m in sent]
    remembered = await store.read(lambda tx: messages.seen_request(tx, "gp", "r1"))

    assert sorted(type(d).__name__ for d in done) == ["Conflict", "Verdict"]
    assert sorted(kept) == [False, True]
    assert remembered is not None
    assert (remembered.status, remembered.answer) == (400, b"no")


async def test_a_fault_of_ours_keeps_the_message_and_remembers_the_request(store: Store) -> None:
    """The sender is told that it is safe; a repeat is known as one."""
    message, seen = a_message(), list[Verdict]()

    def fails(tx: Tx, n: int, said: str) -> Done:
        raise ZeroDivisionError

    verdict = await keeping.keep(
        store,
        a_context(),
        message,
        read=lambda: ["something"],
        apply=fails,
        terms=Terms(also=remembering(message, seen)),
    )

    assert [e.state for e in verdict.events] == [EventState.KEPT]
    assert [v.message_id for v in seen] == [message.id]


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        (True, [("refused", "transaction-refused"), ("refused", "practice-not-yours")]),
        (False, [("applied", ""), ("refused", "practice-not-yours")]),
    ],
)
async def test_one_failure_takes_the_rest_with_it_where_that_is_asked(
    store: Store,
    *,
    whole: bool,
    expected: list[tuple[str, str]],
) -> None:
    """What the others did is undone, and each event says why it was refused."""
    message = a_message()
    row = EventRow(
        id="",
        message_id=message.id,
        n=0,
        position="",
        kind="referred",
        state=EventState.APPLIED,
        source="test",
    )

    def apply(tx: Tx, n: int, code: str) -> Done:
        state = EventState.REFUSED if code else EventState.APPLIED
        return Done(row=replace(row, id=f"e{n}", n=n, state=state, code=code, referral_id="r"))

    verdict = await keeping.keep(
        store,
        a_context(),
        message,
        read=lambda: ["", "practice-not-yours"],
        apply=apply,
        terms=Terms(whole=whole),
    )

    assert [(e.state.value, e.code) for e in verdict.events] == expected
