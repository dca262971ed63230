"""MESH: letters go out as GP Connect Send Document, and what answers them is fetched from the mailbox.

NHS England's mesh-client speaks to MESH; it is synchronous, so each exchange runs in a thread under a client
of its own. It never repeats a send by itself and neither do we without a look: MESH does not de-duplicate.
A letter is addressed by registration and never to a mailbox.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson
import requests
from mesh_client import MeshClient

from bridge import letters
from bridge.domain.delivery import Delivery, Effect, Receipt
from bridge.domain.itk import Mail
from bridge.domain.letter import Letter, Person
from bridge.errors import Ambiguous, Doubtful, Transient
from bridge.fhir import itk3
from bridge.fhir.itk3 import Sender
from bridge.partners.failures import failure
from bridge.partners.mesh_failures import exchange, json_of, raise_for
from bridge.store import documents

ACCEPTED = "transport-accepted"
VERIFIED = ("", "01")  # NHS Data Dictionary: 01 number present and verified; "" where the source does not say
LARGEST = 50  # messages read in one go; MESH shows 500 at most

Trace = Callable[[Person], Awaitable[str]]  # the NHS number of a person whom PDS surely holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How letters go: under which workflow, from whom, and how soon they are answered."""

    sender: Sender
    workflow: str
    birth_date_form: str  # DDMMYYYY or YYYYMMDD
    answer_within: timedelta
    look_by_local_id: bool


class MeshMailbox:
    """One mailbox. Raises DeliveryErrors only."""

    def __init__(
        self,
        name: str,
        connect: Callable[[], MeshClient],
        terms: Terms,
        *,
        deadline: timedelta,
        trace: Trace | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self.effect = Effect.EXACTLY_ONE if terms.look_by_local_id else Effect.AT_MOST_ONE
        self.longest_attempt = 3 * deadline
        self._connect = connect
        self._terms = terms
        self._trace = trace
        self._now = now
        self._under_way: dict[str, asyncio.Task[Receipt]] = {}

    async def prepare(self, delivery: Delivery) -> bytes:
        """`{"to": …, "subject": …, "message": XML}`; Doubtful where it is not certain who the person is."""
        queued = orjson.loads(delivery.body)
        letter = documents.letter.validate_python(queued["letter"])
        if self._trace is not None:
            traced = replace(letter.person, nhs_number=await self._trace(letter.person), number_status="01")
            letter = replace(letter, person=traced)
        person = letter.person
        _check(person)
        content = itk3.message(
            letter,
            await letters.pdf_aside([letter]),
            message_id=delivery.id,
            replaces=queued["replaces"],
            sender=self._terms.sender,
            at=self._now(),
        )
        made = {
            "to": address(person, self._terms.birth_date_form),
            "subject": _subject(letter, self._terms.sender),
            "message": content.decode(),
        }
        return orjson.dumps(made)

    async def send(self, delivery: Delivery) -> Receipt:
        """One attempt; a thread that outlives its attempt keeps the letter from being sent beside it."""
        sent = orjson.loads(delivery.body)
        self._refuse_twice(delivery.id)
        sending = asyncio.create_task(self._sent(delivery.id, sent))
        self._under_way[delivery.id] = sending
        sending.add_done_callback(lambda task: self._over(delivery.id, task))
        return await asyncio.shield(sending)

    def _over(self, letter_id: str, task: asyncio.Task[Receipt]) -> None:
        self._under_way.pop(letter_id, None)
        if not task.cancelled():
            task.exception()  # an attempt that was given up has nobody to hear of it

    async def _sent(self, letter_id: str, sent: dict[str, str]) -> Receipt:
        answer = await asyncio.to_thread(self._post, letter_id, sent)
        return Receipt(reference=answer, level=ACCEPTED, answer_within=self._terms.answer_within)

    def _post(self, letter_id: str, sent: dict[str, str]) -> str:
        with exchange(self._connect, writes=True) as client:
            answer = client.send_chunk(
                sent["to"],
                sent["message"].encode(),
                1,
                1,
                workflow_id=self._terms.workflow,
                subject=sent["subject"],
                local_id=letter_id,
                filename=f"{letter_id}.xml",
                content_type=itk3.MEDIA_TYPE,
            )
            raise_for(answer, writes=True)
            return _message_id(answer)

    async def look(self, delivery: Delivery) -> Receipt | None:
        """Whether MESH holds a message under our local id; None when it surely does not."""
        self._refuse_twice(delivery.id)
        if not delivery.frozen or not self._terms.look_by_local_id:
            return None
        found = await asyncio.to_thread(self._tracked, delivery.id)
        if found is None:
            return None
        return Receipt(
            reference=found, level=ACCEPTED, already_there=True, answer_within=self._terms.answer_within
        )

    def _tracked(self, letter_id: str) -> str | None:
        """MESH's id of the message with our local id, "" when there are several (300), None when none."""
        with exchange(self._connect, writes=False) as client:
            # MESH's tracking by local id is deprecated and mesh-client has no call for it.
            url = f"{client.mailbox_url}/outbox/tracking/{letter_id}"
            answer = client._session.get(url, timeout=client._timeout, headers=_VERSION_1)  # noqa: SLF001
            if answer.status_code == 404:
                return None
            if answer.status_code == 300:
                return ""
            raise_for(answer, writes=False)
            return _message_id(answer)

    async def mail(self) -> tuple[Mail, ...]:
        """What lies in the mailbox, oldest first, at most so much of it that it can be taken in one go."""
        return await asyncio.to_thread(self._mail)

    def _mail(self) -> tuple[Mail, ...]:
        with exchange(self._connect, writes=False) as client:
            return tuple(_read(client, each) for each in client.list_messages(max_results=LARGEST))

    async def acknowledge(self, mail_id: str) -> None:
        """MESH may forget a message: it is kept with us."""
        await asyncio.to_thread(self._acknowledge, mail_id)

    def _acknowledge(self, mail_id: str) -> None:
        with exchange(self._connect, writes=False) as client:
            client.acknowledge_message(mail_id)

    def _refuse_twice(self, letter_id: str) -> None:
        if letter_id in self._under_way:
            raise failure(Transient, "delivery-under-way")


_VERSION_1 = {"Accept": "application/json"}


def _check(person: Person) -> None:
    """Doubtful where MESH could not find the person's practice, or could find another's."""
    if not (person.nhs_number and person.family and len(person.birth_date) == 10):
        raise failure(Doubtful, "letter-person-incomplete")
    if person.number_status not in VERIFIED:
        raise failure(Doubtful, "letter-person-unverified")
    if not _is_header(person.name):
        raise failure(Doubtful, "letter-name-unwritable")


def _is_header(text: str) -> bool:
    """Whether a text can stand in an HTTP header (RFC 9110, 5.5), in Latin-1."""
    return text.isprintable() and all(ord(character) < 256 for character in text)


def address(person: Person, form: str) -> str:
    """MESH's address of the practice where the person is registered."""
    year, month, day = person.birth_date.split("-")
    born = f"{day}{month}{year}" if form == "DDMMYYYY" else f"{year}{month}{day}"
    return f"GPPROVIDER_{person.nhs_number}_{born}_{person.family}"


def _subject(letter: Letter, sender: Sender) -> str:
    """The subject line that Send Document prescribes (GPCM-SD-064)."""
    person = letter.person
    return (
        f"{letter.title} for {person.name}, NHS Number: {person.nhs_number}, "
        f"seen at {sender.name}, {sender.organisation}, Version: {letter.version}"
    )


def _message_id(answer: requests.Response) -> str:
    said = json_of(answer)
    found = said.get("message_id") or said.get("messageID") or said.get("messageId")
    if not isinstance(found, str) or not found:
        raise failure(Ambiguous, "partner-answer-unexpected", status=answer.status_code)
    return found[:64]


def _read(client: MeshClient, mail_id: str) -> Mail:
    message = client.retrieve_message(mail_id)
    try:
        content = message.read()
    finally:
        message.close()  # type: ignore[no-untyped-call]

    def header(name: str) -> str:
        return str(message.mex_header(name, "") or "")

    return Mail(
        id=mail_id,
        report=header("messagetype").upper() == "REPORT",
        workflow=header("workflowid"),
        sender=header("from"),
        linked=header("linkedmsgid"),
        local=header("localid"),
        status=header("statuscode"),
        content=content,
    )
