"""A letter as a GP Connect Send Document message: an ITK3 STU3 message Bundle with the PDF inside.

Shape: NHS England's Send Document guide 2.0.2 with its generic example, and its conformance list (GPCM-SD):
one Organization as sender, author and custodian; a section for the attachment; relatesTo for a replacement.
The message, its Bundle and MESH's local id share one id, so that whatever answers it can be matched.
"""

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid5

from bridge.domain import systems
from bridge.domain.letter import Letter, Person
from bridge.fhir.trees import Json

NHS, UK = "https://fhir.nhs.uk/STU3/StructureDefinition", "https://fhir.hl7.org.uk/STU3/StructureDefinition"
EVENTS: Final = "https://fhir.nhs.uk/STU3/CodeSystem/ITK-MessageEvent-2"
DEFINITION: Final = "https://fhir.nhs.uk/STU3/MessageDefinition/ITK-GPConnectSendDocument-MessageDefinition-1"
CARE_SETTING: Final = f"{NHS}/Extension-ITK-CareSettingType-1"
MEDIA_TYPE: Final = "application/fhir+xml"
_GENDERS = frozenset({"male", "female", "other", "unknown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Coded:
    """A SNOMED CT code with its words."""

    code: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who sends, from which MESH mailbox, and what kind of document."""

    mailbox: str
    organisation: str
    name: str
    telephone: str
    document_type: Coded
    care_setting: Coded | None


def message(
    letter: Letter,
    pdf: bytes,
    *,
    message_id: str,
    replaces: str,
    sender: Sender,
    at: datetime,
) -> bytes:
    """The message in XML. `message_id` is a UUID; `replaces` that of the letter it corrects, or ""."""
    from fhir.resources.STU3.bundle import Bundle  # noqa: PLC0415 - only a site with MESH needs STU3

    tree = _Message(letter, pdf, UUID(message_id), replaces, sender, at).bundle()
    made: Any = Bundle.model_validate(tree).model_dump_xml()  # bytes, whatever its annotation says
    return bytes(made)


@dataclass(frozen=True, slots=True)
class _Message:
    letter: Letter
    pdf: bytes
    id: UUID
    replaces: str
    sender: Sender
    at: datetime

    def bundle(self) -> Json:
        """The message Bundle."""
        entries = [self._header(), self._header_organisation(), self._document()]
        return {
            "resourceType": "Bundle",
            "id": str(self.id),
            "meta": {"profile": [f"{NHS}/ITK-Message-Bundle-1"]},
            "identifier": {"system": systems.UUID, "value": str(self.id)},
            "type": "message",
            "entry": [_entry(resource) for resource in entries],
        }

    def _part(self, name: str) -> str:
        return str(uuid5(self.id, name))

    def _link(self, name: str) -> Json:
        return {"reference": f"urn:uuid:{self._part(name)}"}

    def _header(self) -> Json:
        handling = (
            {"url": "BusAckRequested", "valueBoolean": True},
            {"url": "InfAckRequested", "valueBoolean": True},
            {"url": "RecipientType", "valueCoding": _RECIPIENT},
            {"url": "MessageDefinition", "valueReference": {"reference": DEFINITION}},
            {"url": "SenderReference", "valueString": str(self.id)},
            {"url": "LocalExtension", "valueString": "None"},
        )
        return {
            "resourceType": "MessageHeader",
            "id": str(self.id),
            "meta": {"profile": [f"{NHS}/ITK-MessageHeader-2"]},
            "extension": [{"url": f"{NHS}/Extension-ITK-MessageHandling-2", "extension": list(handling)}],
            "event": {"system": EVENTS, "code": "ITK007C", "display": "ITK GP Connect Send Document"},
            "sender": self._link("header-organisation"),
            "timestamp": self.at.isoformat(timespec="milliseconds"),
            "source": {"endpoint": self.sender.mailbox},
            "focus": [self._link("document")],
        }

    def _header_organisation(self) -> Json:
        return {
            "resourceType": "Organization",
            "id": self._part("header-organisation"),
            "meta": {"profile": [f"{NHS}/CareConnect-ITK-Header-Organization-1"]},
            "identifier": [{"system": systems.ODS_ORGANISATION, "value": self.sender.organisation}],
            "name": self.sender.name,
        }

    def _document(self) -> Json:
        parts = [self._composition(), self._organisation(), self._patient(), self._attachment()]
        return {
            "resourceType": "Bundle",
            "id": self._part("document"),
            "meta": {
                "lastUpdated": self.at.isoformat(timespec="milliseconds"),
                "profile": [f"{NHS}/ITK-Document-Bundle-1"],
            },
            "identifier": {"system": systems.UUID, "value": self._part("document")},
            "type": "document",
            "entry": [_entry(part) for part in parts],
        }

    def _composition(self) -> Json:
        kind = self.sender.document_type
        linked = [self._link(name) for name in ("attachment", "organisation", "patient")]
        return {
            "resourceType": "Composition",
            "id": self._part("composition"),
            "meta": {"versionId": str(self.letter.version), "profile": [f"{UK}/CareConnect-Composition-1"]},
            **dict(self._care_setting()),
            "identifier": {"system": systems.UUID, "value": str(self.id)},
            "status": "final",
            "type": {"coding": [_snomed(kind)], "text": kind.display},
            "subject": self._link("patient"),
            "date": self.letter.written_on,
            "author": [self._link("organisation")],
            "title": self.letter.title,
            "custodian": self._link("organisation"),
            **dict(self._relations()),
            "section": [{"title": self.letter.title, "entry": linked}],
        }

    def _care_setting(self) -> Iterator[tuple[str, Any]]:
        setting = self.sender.care_setting
        if setting is not None:
            concept = {"coding": [_snomed(setting)]}
            yield "extension", [{"url": CARE_SETTING, "valueCodeableConcept": concept}]

    def _relations(self) -> Iterator[tuple[str, Any]]:
        if self.replaces:
            target = {"system": systems.UUID, "value": self.replaces}
            yield "relatesTo", [{"code": "replaces", "targetIdentifier": target}]

    def _organisation(self) -> Json:
        return {
            "resourceType": "Organization",
            "id": self._part("organisation"),
            "meta": {"profile": [f"{UK}/CareConnect-Organization-1"]},
            "identifier": [{"system": systems.ODS_ORGANISATION, "value": self.sender.organisation}],
            "name": self.sender.name,
            "telecom": [{"system": "phone", "value": self.sender.telephone}],
        }

    def _patient(self) -> Json:
        person = self.letter.person
        return {
            "resourceType": "Patient",
            "id": self._part("patient"),
            "meta": {"profile": [f"{UK}/CareConnect-Patient-1"]},
            "identifier": [{"system": systems.NHS_NUMBER, "value": person.nhs_number}],
            "name": [_name(person)],
            **({"gender": person.gender} if person.gender in _GENDERS else {}),
            "birthDate": person.birth_date,
        }

    def _attachment(self) -> Json:
        return {
            "resourceType": "Binary",
            "id": self._part("attachment"),
            "meta": {"profile": [f"{NHS}/ITK-Attachment-Binary-1"]},
            "contentType": "application/pdf",
            "content": b64encode(self.pdf).decode(),
        }


_RECIPIENT = {
    "system": "https://fhir.nhs.uk/STU3/CodeSystem/ITK-RecipientType-1",
    "code": "FI",
    "display": "For Information",
}


def _name(person: Person) -> Json:
    given = {"given": list(person.given)} if person.given else {}
    return {"use": "official", "family": person.family, **given}


def _snomed(coded: Coded) -> Json:
    return {"system": systems.SNOMED, "code": coded.code, "display": coded.display}


def _entry(resource: Json) -> Json:
    return {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource}
