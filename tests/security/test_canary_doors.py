"""Canaries through the other doors: FHIR create, transaction and message in JSON and XML; HL7 v2 over MLLP.

They come as messages that are taken, each with a canary in one place, so that they go all the way.
"""

import asyncio
import json
from collections import Counter
from itertools import islice
from typing import Any
from uuid import uuid4
from xml.sax.saxutils import quoteattr

from bridge.intake.mllp import MllpDoor
from bridge.security.caller import Caller, Role
from bridge.store import views
from bridge.wire.mllp import END, wrap
from tests.security import requests
from tests.security.canaries import hl7_variants, json_text, json_variants
from tests.security.test_canaries import message_of
from tests.security.trap import Trap

EACH = 45  # of the places of one message; which, changes with the step
PRACTICE = "A99999"


def xml(resource: Any) -> bytes:
    """A FHIR resource as XML: every primitive an attribute, every resource inside an element of its kind."""
    return (
        f'<?xml version="1.0"?>{_resource(resource, " xmlns=" + quoteattr("http://hl7.org/fhir"))}'.encode()
    )


def _resource(resource: Any, more: str = "") -> str:
    if not isinstance(resource, dict) or not str(resource.get("resourceType", "")).isalnum():
        return f"<Unknown{more}/>"
    kind = resource["resourceType"]
    inner = "".join(_element(name, value) for name, value in resource.items() if name != "resourceType")
    return f"<{kind}{more}>{inner}</{kind}>"


def _element(name: str, value: Any) -> str:
    if isinstance(value, list):
        return "".join(_element(name, each) for each in value)
    if not isinstance(value, dict):
        said = str(value).lower() if isinstance(value, bool) else str(value)
        return f"<{name} value={quoteattr(said)}/>"
    if "resourceType" in value:
        return f"<{name}>{_resource(value)}</{name}>"
    return f"<{name}>{''.join(_element(*each) for each in value.items())}</{name}>"


def of_age(message: Any) -> Any:
    """The same about somebody whose whole date of birth is known."""
    for entry in message["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            entry["resource"]["birthDate"] = "1951-03-04"
    return message


def renamed(tree: Any, trap: Trap) -> Any:
    """The same as another referral: a business identifier and a Bundle id of its own."""
    told = json.dumps(tree).replace('"B1"', f'"{trap.aviary.canary("identifier")}"')
    named = json.loads(told)
    return named | {"id": str(uuid4())} if named.get("type") == "message" else named


async def fhir_doors(trap: Trap) -> None:
    """Create, transaction and message, each as JSON and as XML."""
    for n, (path, base) in enumerate(
        (
            ("/fhir", requests.a_bundle(1)),
            ("/fhir/ServiceRequest", requests.a_service_request(1)),
            ("/fhir/$process-message", of_age(requests.a_message(1))),
        )
    ):
        trees = islice(json_variants(base, trap.aviary, 4000 + 500 * n), 0, None, 2)
        for m, tree in enumerate(islice(trees, EACH)):
            as_xml = m % 3 == 0
            told = renamed(tree, trap)
            body = xml(told) if as_xml else json_text(told, trap.aviary.dress())
            media = "application/fhir+xml" if as_xml else "application/fhir+json"
            headers = {"Content-Type": media}
            if path.endswith("message"):
                headers |= requests.bars_headers() | {"Content-Type": media, "X-Request-ID": str(uuid4())}
            word = trap.aviary.canary("query")
            trap.sent += 1
            answer = await trap.ask("POST", path, content=body, headers=headers, params={word: word})
            if path.endswith("message") and answer.is_success:
                trap.seen.pop()  # the standard has the receiver echo what it took, to whoever sent it


async def mllp_door(trap: Trap) -> None:
    """A port of one sender; what is answered may repeat its own header fields and no other."""
    caller = Caller(
        name="ward",
        roles=frozenset({Role.SYSTEM}),
        practices=frozenset({PRACTICE, "ZZ9901"}),
        sources=frozenset({"hl7v2-ref"}),
    )
    door = MllpDoor(
        desk=trap.bridge.desk,
        caller=caller,
        source="hl7v2-ref",
        host="127.0.0.1",
        port=0,
        limit=10**6,
        idle_s=30,
    )
    stop, number = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(door.serve(stop, number.set_result))
    reader, writer = await asyncio.open_connection("127.0.0.1", await number)
    text = message_of("hl7v2-ref", "referral-in-full", "message.hl7")
    header_free = (body for body in hl7_variants(text, trap.aviary, 6000) if body.startswith(b"MSH|^~\\&|"))
    for body in islice(header_free, 40, 40 + EACH):
        trap.sent += 1
        writer.write(wrap(body))
        answer = await asyncio.wait_for(reader.readuntil(END), 30)
        trap.seen.append(("MLLP answer", answer.decode("utf-8", "replace").replace("\r", "\n")))
    writer.close()
    stop.set()
    await serving


async def test_no_canary_is_seen_behind_the_other_doors(trap: Trap) -> None:
    """Answers, log, metrics, files and the command line, after all of them."""
    await fhir_doors(trap)
    await mllp_door(trap)
    await trap.drain()
    listed = await trap.bridge.store.read(lambda tx: views.referral_list(tx, limit=1000))
    for words in (
        ("referrals", "list"),
        ("parked", "list"),
        ("report",),
        ("audit", "list"),
        ("audit", "export"),
    ):
        await trap.command(*words)
    await trap.command("subject", "find", "--why", "looked", typed=requests.number(1) + "\n")
    for path in ("metrics", "health"):
        await trap.ask("GET", f"/{path}", "operator")
    leaks = trap.leaks()

    assert trap.sent >= 100
    sources = Counter(row["source"] for row in listed)
    assert min(sources[name] for name in ("fhir-r4", "bars", "hl7v2-ref")) > 5, sources
    assert leaks == [], "\n".join(leaks)
