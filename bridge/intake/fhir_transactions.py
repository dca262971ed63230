"""`POST [base]`: a transaction or a batch, of a GP system that refers or of a service that reports.

A transaction is all or nothing (R4, http.html#transaction). Of several referrals in one, a single one that
cannot be used refuses them all: the sender hears it at once and sends again, whereas a half-done transaction
is taken for done and nobody looks for the missing person. Referrals that do not hang together go in a batch.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request, Response

from bridge.errors import Forbidden, Problem, Unreadable
from bridge.fhir import inbound
from bridge.fhir.answers import EntryAnswer, success, transaction_response
from bridge.fhir.trees import Json, Tree, placed, text, tree_at, trees
from bridge.intake.answers import fhir, refusal
from bridge.intake.desk import Desk
from bridge.intake.fhir_sources import source_for
from bridge.intake.fhir_statuses import entry_of, failures_of
from bridge.intake.http import received
from bridge.intake.risk_notice import with_notice
from bridge.pipeline import keeping
from bridge.pipeline.accept import accept
from bridge.pipeline.report import LIMIT, PUSHED, inner, report
from bridge.pipeline.verdict import Became, Terms, Verdict
from bridge.security.caller import Caller, Role
from bridge.store.messages import Message

_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_SURROUNDINGS = "It was read with the rest and is not kept as a resource of its own."


async def process(desk: Desk, request: Request) -> Response:
    """Take one Bundle in and answer each of its entries."""
    caller = await desk.caller(request)
    message = await received(desk, request, caller, source="", mapping="", door="fhir")
    bundle = read(message)
    reported = is_report(caller, bundle)
    raised = await desk.hear(replace(message, source=caller.service)) if reported else 0
    verdict = await _verdict(desk, caller, message, bundle)
    desk.wake()
    return with_notice(_answer(message, verdict, bundle), raised)


def read(message: Message) -> Json | None:
    """The resource of a message; None when it cannot be read, which whoever takes it in finds again."""
    try:
        return inbound.read(message.content or b"", limit=LIMIT)
    except Unreadable:
        return None


async def _verdict(desk: Desk, caller: Caller, message: Message, bundle: Json | None) -> Verdict:
    if is_report(caller, bundle):
        message = replace(message, source=caller.service, door=PUSHED)
        problem = _wrong_bundle(bundle)
        if problem is not None:
            return await keeping.refuse(desk.store, desk.context, message, (problem,))
        return await report(desk.store, desk.context, message, Terms(whole=_is_whole(bundle)))
    source = source_for(desk, caller, messages=False)
    message = replace(message, source=source.name, mapping=source.version)
    problem = _wrong_bundle(bundle) or next(_wrong_conditions(bundle or {}), None)
    if problem is not None:
        return await keeping.refuse(desk.store, desk.context, message, (problem,))
    terms = Terms(
        allowed=caller.practices, whole=_is_whole(bundle), only_new=frozenset(_only_new(bundle or {}))
    )
    return await accept(desk.store, desk.context, source, message, terms)


def is_report(caller: Caller, resource: Json | None) -> bool:
    """Whether a caller speaks as a service: one that is both does so where nothing is referred.

    Forbidden for a caller that is neither.
    """
    if not caller.roles & {Role.SERVICE, Role.SYSTEM}:
        raise Forbidden(problems=(Problem(code="caller-not-allowed"),))
    if Role.SYSTEM not in caller.roles:
        return True
    return Role.SERVICE in caller.roles and not inner(resource or {}, "ServiceRequest")


def _is_whole(bundle: Json | None) -> bool:
    return bundle is not None and bundle.get("type") == "transaction"


def _wrong_bundle(bundle: Json | None) -> Problem | None:
    if bundle is None or bundle.get("type") in ("transaction", "batch"):
        return None
    if bundle.get("type") == "message":
        return Problem(code="fhir-message-elsewhere", at="Bundle.type")
    return Problem(code="fhir-bundle-type", at="Bundle.type")


def _conditional(bundle: Json) -> Iterator[tuple[str, Json, str]]:
    for at, entry in placed(bundle, "entry", "Bundle"):
        condition = text(entry, "request", "ifNoneExist")
        if condition and text(entry, "resource", "resourceType") == "ServiceRequest":
            yield at, entry["resource"], condition


def _wrong_conditions(bundle: Json) -> Iterator[Problem]:
    for at, resource, condition in _conditional(bundle):
        if not names_itself(resource, condition):
            yield Problem(code="fhir-condition", at=f"{at}.request.ifNoneExist")


def _only_new(bundle: Json) -> Iterator[str]:
    return (f"{at}.resource" for at, _, _ in _conditional(bundle))


def names_itself(resource: Tree, condition: str) -> bool:
    """Whether the search of a conditional create is for an identifier that the resource itself carries."""
    own = {f"{text(i, 'system')}|{text(i, 'value')}" for i in trees(resource, "identifier")}
    asked = parse_qsl(condition.rpartition("?")[2], keep_blank_values=True)
    return len(asked) == 1 and asked[0][0] == "identifier" and asked[0][1] in own


def _answer(message: Message, verdict: Verdict, bundle: Json | None) -> Response:
    receipt = {"X-Receipt-ID": message.id}
    nowhere = [e for e in verdict.events if e.failed and _ENTRY.match(e.position) is None]
    if nowhere or (verdict.failed and (bundle is None or _is_whole(bundle))):
        status, problems = failures_of(verdict.events)
        return refusal(status, problems, receipt)
    answers = transaction_response(_entries(bundle or {}, verdict))
    return fhir({**answers, "type": f"{(bundle or {}).get('type')}-response"}, 200, receipt)


def _entries(bundle: Json, verdict: Verdict) -> Iterator[EntryAnswer]:
    held = bundle.get("entry")
    by_entry = _by_entry(verdict)
    for n, entry in enumerate(held if isinstance(held, list) else []):
        yield _entry(entry if isinstance(entry, dict) else {}, by_entry[n] or by_entry[-1])


def _by_entry(verdict: Verdict) -> defaultdict[int, list[Became]]:
    """Events by the entry they came from; those of the message as a whole under -1."""
    found: defaultdict[int, list[Became]] = defaultdict(list)
    for event in verdict.events:
        place = _ENTRY.match(event.position)
        found[int(place[1]) if place else -1].append(event)
    return found


def _entry(entry: dict[str, Any], events: list[Became]) -> EntryAnswer:
    if not events:
        return EntryAnswer(status="202 Accepted", outcome=success(_SURROUNDINGS))
    told = next((e for e in events if e.failed), events[0])
    created = text(tree_at(entry, "request"), "method") != "PUT"
    return entry_of(told, text(entry, "resource", "resourceType"), created=created)
