"""Rules and events for tests of the pipeline, without doors and partners."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from bridge.domain.content import content_hash
from bridge.domain.referral import EventKind, Referral, ReferralEvent
from bridge.fhir.naming import Naming
from bridge.pipeline import accept
from bridge.pipeline.context import Context
from bridge.pipeline.verdict import Became
from bridge.schemes import Rulebook, Scheme
from bridge.sources.reading import Reading
from bridge.store import messages
from bridge.store.messages import Message
from bridge.store.unit import Store, Tx
from tests.conftest import NOW, a_referral

PRACTICES = ("A99999", "B99999")
SCORE, CLOSED = "718466001", "1362721000000106"


def a_scheme(**changes: Any) -> Scheme:
    """Two live practices, a service and a record."""
    practice = {"mode": "live", "live_from": "2020-01-01", "record": "record"}
    signed = {"display": "as signed", "signed_off_by": "Dr Example", "signed_off_on": "2026-01-01"}
    return Scheme.model_validate(
        {
            "name": "test",
            "version": "1",
            "title": "Test",
            "history_days": 365,
            "service": {
                "name": "prescribing",
                "title": "Test Service",
                "endpoint": "http://127.0.0.1:1/fhir",
                "ods": "Z9999",
            },
            "records": [{"name": "record", "endpoint": "http://127.0.0.1:2/fhir"}],
            "practices": [{"ods": ods, **practice} for ods in PRACTICES],
            "risk_contact": {"name": "Duty clinician", "telephone": "01632 960000"},
            "disclosure": {"direct-care": ["name", "birth-date", "nhs-number", "practice"]},
            "write_back": [
                {"on": "closed", "code": CLOSED, **signed},
                {"on": "measure", "code": SCORE, **signed},
            ],
        }
        | changes
    )


def a_context(**changes: Any) -> Context:
    """The rules in force, at a fixed time."""
    return Context(
        rulebook=Rulebook((a_scheme(**changes),)),
        environment="test",
        naming=Naming(base="https://bridge.test"),
        now=_now,
    )


def _now() -> datetime:
    return NOW


def an_event(
    n: int = 1, clock: str = "01", kind: EventKind = EventKind.REFERRED, **record: Any
) -> ReferralEvent:
    """What a source says of referral n; an ending brings its key and nothing else."""
    told = replace(a_referral(n), **record)
    referral: Referral | None = told if kind is EventKind.REFERRED else None
    content = content_hash(kind, told.key, referral)
    return ReferralEvent(
        kind=kind, key=told.key, clock=clock, content=content, referral=referral, extracted_at=NOW
    )


def a_message(**changes: Any) -> Message:
    """A message that came by HTTP."""
    values: dict[str, Any] = {
        "id": str(uuid4()),
        "source": "test",
        "door": "http",
        "caller": "gp",
        "media_type": "application/json",
        "content": b"{}",
        "size": 2,
    }
    return Message(**(values | changes))


async def tell(
    store: Store,
    event: ReferralEvent,
    ctx: Context | None = None,
    allowed: frozenset[str] | None = None,
    **message: Any,
) -> Became:
    """Keep a message that says one thing, and apply it."""
    kept, rules = a_message(**message), ctx or a_context()

    def work(tx: Tx) -> Became:
        messages.keep(tx, kept)
        return accept.settle(tx, rules, kept, 0, Reading(event=event), allowed=allowed)

    return await store.run(work)
