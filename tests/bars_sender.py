"""The headers that a sender of the NHS Booking and Referral Standard (BaRS) puts on its requests."""

import base64
import json
from collections.abc import Mapping
from uuid import UUID

from bridge.domain import systems
from bridge.domain.referral import Identifier, Organisation
from bridge.wire.bars import CORRELATION_ID, ORGANISATION, REQUEST_ID, SOFTWARE, TARGET


def write_headers(
    *,
    request_id: UUID,
    correlation_id: UUID,
    target: Identifier,
    organisation: Organisation,
    software: str,
    software_version: str,
    version: str,
    use_context: str,
) -> dict[str, str]:
    """The headers of a request, without Authorization.

    `use_context` is usecase|category|event|reason.
    """
    return {
        REQUEST_ID: str(request_id),
        CORRELATION_ID: str(correlation_id),
        TARGET: _encoded({"value": target.value, "system": target.system}),
        ORGANISATION: _encoded(_organisation_resource(organisation)),
        SOFTWARE: _encoded(_software_resource(software, software_version)),
        "use-context": use_context,
        "Accept": f"application/fhir+json; version={version}",
        "Content-Type": "application/fhir+json",
    }


def _encoded(value: Mapping[str, object]) -> str:
    return base64.b64encode(json.dumps(value, separators=(",", ":")).encode()).decode()


def _organisation_resource(organisation: Organisation) -> dict[str, object]:
    identifier = (
        [{"system": systems.ODS_ORGANISATION, "value": str(organisation.ods)}] if organisation.ods else []
    )
    return {"resourceType": "Organization", "identifier": identifier, "name": organisation.name}


def _software_resource(name: str, version: str) -> dict[str, object]:
    """A Device as the API's example has it: the name and the version are objects."""
    return {
        "resourceType": "Device",
        "deviceName": {"name": name, "type": "manufacturer-name"},
        "version": {"value": version},
    }
