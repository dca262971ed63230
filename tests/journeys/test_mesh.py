"""Letters over MESH, through the real sandbox: sent, answered, refused, unanswered, in doubt; never twice."""

from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

pytest.importorskip("weasyprint", reason="needs WeasyPrint and Pango", exc_type=OSError)
pytest.importorskip("mesh_client", reason="needs mesh-client")

from lxml import etree
from sqlalchemy import delete, update

from bridge.app import Bridge
from bridge.app.partners import check_letters
from bridge.app.rules import read_rules
from bridge.config import PartnerSettings
from bridge.domain.letter import LetterState
from bridge.errors import ConfigError, Transient
from bridge.pipeline.mailbox import Inbox
from bridge.simulators.loopback import running
from bridge.simulators.prescribing import PrescribingService
from bridge.store import letters, views
from bridge.store.letters import Kept
from bridge.store.tables import body, settled
from bridge.store.tables import letter as letter_table
from bridge.store.unit import Tx
from tests.journeys.conftest import SCHEME, Ground, Site
from tests.journeys.test_letters import LIST, PRACTICE_KEY, ListGround
from tests.journeys.test_outcomes import Loop, a_patient, looped
from tests.partners import mesh_server
from tests.partners.mesh_server import KEY, OURS, PASSWORD, PRACTICE, box

ROUTE = """[[records]]
name = "mesh"
kind = "mesh"
endpoint = "{mesh}"
[records.mesh]
mailbox = "X26ABC1"
organisation = "Z9999"
organisation_name = "Example Service"
telephone = "01632 960123"
document_type = "371531000"
document_type_display = "Report of clinical encounter"
"""
BY_MESH = (
    SCHEME.replace('[[records]]\nname = "record"\nendpoint = "{record}/fhir"\n', ROUTE)
    .replace('record = "record"', 'record = "mesh"')
    .replace("history_days = 365", "history_days = 365\nletter_hold_minutes = 0")
)
ACK = "GPCONNECT_SEND_DOCUMENT_ACK"
RESPONSE = """<Bundle xmlns="http://hl7.org/fhir"><id value="{id}"/><type value="message"/>
<entry><resource><MessageHeader><id value="{id}"/>
<event><system value="https://fhir.nhs.uk/STU3/CodeSystem/ITK-MessageEvent-2"/><code value="ITK008M"/></event>
<timestamp value="2026-05-22T10:00:00+01:00"/><source><endpoint value="X26ABC2"/></source>
<response><identifier value="{about}"/><code value="{verdict}"/></response></MessageHeader></resource></entry>
<entry><resource><OperationOutcome><id value="{id}"/><issue><severity value="information"/>
<code value="informational"/><details><coding>
<system value="https://fhir.nhs.uk/STU3/CodeSystem/ITK-ResponseCodes-1"/><code value="{code}"/>
</coding></details></issue></OperationOutcome></resource></entry></Bundle>"""


class MeshGround(ListGround):
    """The same ground, under a scheme whose practice gets its letters by MESH."""

    of_letters = BY_MESH

    def settings(self, mode: str = "live", **changes: Any) -> Any:
        """Settings with the mailbox's credentials."""
        held = {}
        for name, value in (("password", PASSWORD), ("key", KEY)):
            file = self.folder / name
            file.touch(mode=0o600)
            file.write_text(value, "ascii")
            held[name] = f"file:{file}"
        terms = PartnerSettings(
            mailbox_password=held["password"],
            shared_key=held["key"],
            deadline_s=30,
            first_retry_s=0.01,
        )
        return super().settings(mode, **changes).model_copy(update={"partners": {"mesh": terms}})


@pytest.fixture(scope="module")
def sandbox() -> Iterator[str]:
    """The real sandbox; skips with its reason where it is not installed."""
    if not mesh_server.is_here():
        pytest.skip(mesh_server.REASON)
    with mesh_server.running() as url:
        yield url


@pytest.fixture
def simulated() -> PrescribingService:
    """A service that says nothing by itself."""
    return PrescribingService()


@pytest.fixture
async def ground(tmp_path: Path, simulated: PrescribingService, sandbox: str) -> AsyncIterator[Ground]:
    """A service that can be driven, an empty MESH, and a practice behind it."""
    async with httpx.AsyncClient(trust_env=False) as admin:
        (await admin.delete(f"{sandbox}/messageexchange/admin/reset")).raise_for_status()
    standing = MeshGround(tmp_path, service=simulated.server)
    standing.record.store.put(a_patient())
    async with running(simulated.app) as service, running(standing.record.app) as record:
        standing.urls = {"service": service, "record": record, "mesh": sandbox}
        yield standing


@dataclass
class Post:
    """A letter's journey: the loop it comes of, and the practice's end of MESH."""

    loop: Loop
    url: str

    @property
    def bridge(self) -> Bridge:
        """The bridge."""
        return self.loop.site.bridge

    async def kept(self) -> list[Kept]:
        """Every letter of the referral."""
        return await self.bridge.store.read(lambda tx: letters.of_referral(tx, self.loop.referral))

    async def states(self) -> list[LetterState]:
        """Where they stand."""
        return [kept.state for kept in await self.kept()]

    async def read(self) -> dict[str, int]:
        """The bridge reads its mailbox."""
        [reader] = self.bridge.mailboxes
        return dict(+(await reader.read_once()))

    def arrived(self) -> list[str]:
        """The local ids of what lies in the practice's mailbox."""
        with box(self.url, PRACTICE) as practice:
            found = []
            for each in practice.list_messages():
                message = practice.retrieve_message(each)
                found.append(str(message.local_id))
                message.close()
            return found

    def answer(self, about: str, code: str, verdict: str = "ok") -> None:
        """The practice's system answers."""
        content = RESPONSE.format(id=uuid4(), about=about, code=code, verdict=verdict)
        with box(self.url, PRACTICE) as practice:
            practice.send_message(
                OURS, content.encode(), workflow_id=ACK, content_type="application/fhir+xml"
            )

    def report(self, kept: Kept, code: str) -> None:
        """MESH reports that it could not deliver."""
        said = {
            "mailbox_id": OURS,
            "code": code,
            "description": "as MESH words it",
            "workflow_id": "GPCONNECT_SEND_DOCUMENT",
            "linked_message_id": kept.reference,
            "local_id": kept.id,
            "status": "error",
        }
        made = httpx.post(f"{self.url}/messageexchange/admin/report", json=said, trust_env=False)
        made.raise_for_status()

    async def parked(self) -> list[tuple[str, str]]:
        """What waits for a person: its id and why."""
        rows = await self.bridge.store.read(views.parked)
        return [(row["id"], row["code"]) for row in rows]

    async def mend(self, verb: str, item: str) -> httpx.Response:
        """As the command line does it."""
        here = httpx.ASGITransport(app=self.bridge.control())
        async with httpx.AsyncClient(transport=here, base_url="http://bridge") as control:
            done = await control.post(
                f"/control/do/{verb}", json={"actor": "test", "why": "looked", "with": {"item": item}}
            )
        await self.loop.settled()
        return done

    async def on_list(self) -> list[str]:
        """The states of what stands on the practice's worklist."""
        listed = await self.loop.site.get(LIST, PRACTICE_KEY)
        return [each["state"] for each in listed.json()["letters"]]


@pytest.fixture
async def post(site: Site, simulated: PrescribingService, sandbox: str) -> Post:
    """A referral whose start letter MESH has taken."""
    loop = await looped(site, simulated)
    await simulated.accept(loop.task)
    await loop.push_task()
    await loop.settled()
    return Post(loop, sandbox)


async def test_a_letter_is_sent_and_acknowledged_in_both_steps(post: Post) -> None:
    """Transport, infrastructure, practice; each known by its own word, and told again changes nothing."""
    [sent] = await post.kept()
    post.answer(sent.id, "20013")
    first = await post.read()
    [had] = await post.kept()
    post.answer(sent.id, "30001")
    await post.read()
    post.answer(sent.id, "30001")
    again = await post.read()

    assert (sent.state, bool(sent.reference)) == (LetterState.ACCEPTED, True)
    assert sent.due_at is not None
    assert (had.state, first) == (LetterState.RECEIVED, {"applied": 1})
    assert had.due_at is not None
    assert (await post.states(), again) == ([LetterState.KNOWN], {"duplicate": 1})
    assert (post.arrived(), await post.parked(), await post.on_list()) == ([sent.id], [], [])


@pytest.mark.parametrize(
    ("code", "why"),
    [("20010", "letter-not-enabled"), ("30003", "letter-person-not-there"), ("20009", "letter-refused")],
)
async def test_a_refused_letter_is_a_persons_and_stands_on_the_worklist(
    post: Post, code: str, why: str
) -> None:
    """Final under its id: a release sends the same letter under a new one."""
    [sent] = await post.kept()
    post.answer(sent.id, code, "fatal-error")
    await post.read()
    [(item, reason)] = await post.parked()
    listed = await post.on_list()
    await post.mend("release", item)

    assert (reason, listed) == (why, ["refused"])
    assert await post.states() == [LetterState.REPLACED, LetterState.ACCEPTED]
    assert sorted(post.arrived()) == sorted([sent.id, item])
    assert await post.on_list() == []


async def test_a_report_of_mesh_is_a_refusal_with_its_reason(post: Post) -> None:
    """EPL-154, somebody else's number. The practice files it from its list; nothing is sent again."""
    [sent] = await post.kept()
    post.report(sent, "EPL-154")
    await post.read()
    [(_, reason)] = await post.parked()
    filed = await post.loop.site.post(f"{LIST}/{sent.id}/filed", {}, PRACTICE_KEY)

    assert reason == "mesh-person-differs"
    assert filed.status_code == 200
    assert await post.states() == [LetterState.FILED, LetterState.REPLACED]
    assert (await post.parked(), post.arrived()) == ([], [sent.id])


async def test_an_answer_that_does_not_come_is_a_persons_and_a_late_one_closes_it(post: Post) -> None:
    """Missing is not refused: it may be there, so nothing is sent without a look."""
    [sent] = await post.kept()
    await post.bridge.store.run(
        lambda tx: tx.run(update(letter_table).where(letter_table.c.id == sent.id).values(due_at=1)).rowcount
    )
    counts = await post.read()
    [(_, reason)] = await post.parked()
    late = await post.states()
    post.answer(sent.id, "20013")
    await post.read()

    assert (counts, reason) == ({"overdue": 1}, "letter-unanswered")
    assert late == [LetterState.UNANSWERED, LetterState.QUEUED]
    assert await post.states() == [LetterState.RECEIVED, LetterState.REPLACED]
    assert await post.parked() == []


async def test_mail_that_answers_nothing_of_ours_is_kept_and_parked(post: Post) -> None:
    """It is in our mailbox, so somebody meant us; what cannot be read is no reason to lose it."""
    post.answer(str(uuid4()), "20013")
    with box(post.url, PRACTICE) as practice:
        practice.send_message(OURS, b"%PDF-", workflow_id="ELSE")
    counts = await post.read()
    parked = await post.parked()
    again = await post.read()

    assert counts == {"parked": 2}
    assert [why for _, why in parked] == ["mesh-mail-unknown"] * 2
    assert again == {}
    assert (await post.mend("discard", parked[0][0])).status_code == 200
    assert (await post.mend("release", parked[1][0])).json()["state"] == "parked"


class CutOff:
    """A mailbox whose connection ends before anything is acknowledged."""

    def __init__(self, inbox: Inbox) -> None:
        self.mail = inbox.mail

    async def acknowledge(self, mail_id: str) -> None:
        raise Transient(code="partner-away")


async def test_mail_that_was_kept_and_not_acknowledged_is_not_heard_twice(post: Post) -> None:
    """Killed between the commit and the acknowledgement: MESH offers it again."""
    [sent] = await post.kept()
    post.answer(sent.id, "20009", "fatal-error")
    [reader] = post.bridge.mailboxes
    with pytest.raises(Transient):
        await replace(reader, inbox=CutOff(reader.inbox)).read_once()
    counts = await post.read()

    assert counts == {"duplicate": 1}
    assert len(await post.parked()) == 1
    assert await reader.inbox.mail() == ()


async def test_a_correction_names_the_letter_it_replaces(post: Post) -> None:
    """The first letter stays what it was; relatesTo says which one no longer holds."""
    loop = post.loop
    await loop.service.score(loop.task, 19)
    await loop.push_scores()
    await loop.service.complete(loop.task)
    await loop.push_task()
    await loop.settled()
    score = loop.service.server.resources("Observation")[0]
    await loop.service.correct(score["id"], 23)
    await loop.push_scores()
    await loop.settled()
    _, closure, correction = await post.kept()
    [content] = [content for local, content in contents(post.url) if local == correction.id]

    assert (correction.version, correction.replaces) == (2, closure.id)
    target = etree.fromstring(content).find(".//{*}relatesTo/{*}targetIdentifier/{*}value")
    assert target is not None
    assert target.get("value") == closure.id


def contents(url: str) -> list[tuple[str, bytes]]:
    """What lies in the practice's mailbox."""
    found = []
    with box(url, PRACTICE) as practice:
        for each in practice.list_messages():
            message = practice.retrieve_message(each)
            found.append((str(message.local_id), message.read()))
            message.close()
    return found


def test_credentials_that_are_missing_are_told_before_the_bridge_starts(ground: MeshGround) -> None:
    """`bridge check` says so as `bridge serve` would; nothing is asked of MESH."""
    settings = ground.settings()
    _, rulebook = read_rules(settings)
    check_letters(settings, rulebook)

    with pytest.raises(ConfigError) as caught:
        check_letters(settings.model_copy(update={"partners": {}}), rulebook)
    assert "partners.mesh.mailbox_password" in str(caught.value)


def test_the_scheme_names_what_has_no_default(open_site: Callable[..., Any], ground: MeshGround) -> None:
    """No document type is published for social prescribing, so none is guessed: the bridge does not start."""
    ground.scheme = BY_MESH.replace('document_type = "371531000"\n', "")

    with pytest.raises(ConfigError) as caught:
        read_rules(ground.settings())
    assert "document_type" in str([problem.target for problem in caught.value.problems])


async def test_a_bridge_put_back_writes_the_same_letter_under_the_same_id(post: Post) -> None:
    """A receiver that has it refuses it as a repeat (20007), which says that it is there."""
    [first] = await post.kept()

    def forget(tx: Tx) -> None:
        for table in (letter_table, settled, body):
            tx.run(delete(table).where(table.c.id == first.id))

    await post.bridge.store.run(forget)
    task = post.loop.service.referrals()[0]
    post.loop.service.server.store.put({**task, "lastModified": datetime.now(UTC).isoformat()})
    await post.loop.push_task()
    await post.loop.settled()
    post.answer(first.id, "20007", "fatal-error")
    await post.read()
    [again] = await post.kept()

    assert (again.id, again.state) == (first.id, LetterState.RECEIVED)
