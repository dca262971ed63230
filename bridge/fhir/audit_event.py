"""Rows of the audit chain as FHIR R4 AuditEvents, for whoever collects them.

Types are those of the R4 value set audit-event-type: DICOM 110100, 110106 and 110110. Who was looked up
stays the keyed index it is in the row.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from bridge.fhir.datatypes import filled
from bridge.fhir.trees import Json

_DICOM: Final = "http://dicom.nema.org/resources/ontology/DCM"
_TYPES: Final = {
    "export": ("110106", "Export"),
    "record": ("110110", "Patient Record"),
    "activity": ("110100", "Application Activity"),
}
# What an action of ours is: kind of event, and AuditEvent.action (create, read, update, delete, execute).
_ACTIONS: Final = {
    "read": ("record", "R"),
    "search": ("record", "R"),
    "subject-find": ("record", "R"),
    "subject-export": ("export", "R"),
    "subject-rectify": ("record", "U"),
    "subject-erase": ("record", "D"),
    "subject-object": ("record", "U"),
    "subject-agree": ("record", "U"),
    "practice-leave": ("record", "D"),
    "discard": ("record", "U"),
    "release": ("record", "E"),
}


def audit_event(row: Mapping[str, Any], *, base: str) -> Json:
    """One row; `base` is the bridge's own address, under which its nodes, ids and actors are named."""
    kind, action = _ACTIONS.get(row["action"], ("activity", "E"))
    code, display = _TYPES[kind]
    return filled(
        resourceType="AuditEvent",
        type={"system": _DICOM, "code": code, "display": display},
        subtype=[{"system": f"{base}/audit-action", "code": row["action"]}],
        action=action,
        recorded=datetime.fromtimestamp(row["at"] / 1000, UTC).isoformat(timespec="milliseconds"),
        outcome="0",
        purposeOfEvent=[{"text": row["why"]}] if row["why"] else None,
        agent=[
            {
                "who": {"identifier": {"system": f"{base}/actor", "value": row["actor"] or "unknown"}},
                "requestor": True,
            }
        ],
        source={"observer": {"identifier": {"system": f"{base}/node", "value": row["node"]}}},
        entity=[{"what": {"identifier": {"system": f"{base}/id", "value": row["subject"]}}}]
        if row["subject"]
        else None,
    )
