"""The few rules of R4 by which the simulated server refuses a resource (base definitions 4.0.1)."""

from typing import Any

_INTENTS = {
    "proposal", "plan", "order", "original-order", "reflex-order", "filler-order", "instance-order", "option",
}  # fmt: skip
_PRIORITIES = {"routine", "urgent", "asap", "stat"}
_MANDATORY = {
    "ServiceRequest": ("status", "intent", "subject"),
    "Task": ("status", "intent"),
    "Observation": ("status", "code"),
}
# Elements bound as required, with every code they may hold.
_CODES: dict[str, dict[str, set[str]]] = {
    "Patient": {"gender": {"male", "female", "other", "unknown"}},
    "ServiceRequest": {
        "status": {"draft", "active", "on-hold", "revoked", "completed", "entered-in-error", "unknown"},
        "intent": _INTENTS | {"directive"},
        "priority": _PRIORITIES,
    },
    "Task": {
        "status": {
            "draft", "requested", "received", "accepted", "rejected", "ready", "cancelled", "in-progress",
            "on-hold", "failed", "completed", "entered-in-error",
        },
        "intent": _INTENTS | {"unknown"},
        "priority": _PRIORITIES,
    },
    "Observation": {
        "status": {
            "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error",
            "unknown",
        },
    },
}  # fmt: skip


def broken(resource: dict[str, Any]) -> tuple[str, str] | None:
    """The first rule a resource breaks as FHIR issue code and element path; None when there is none."""
    kind = str(resource.get("resourceType", ""))
    for element in _MANDATORY.get(kind, ()):
        if not resource.get(element):
            return "required", f"{kind}.{element}"
    for element, allowed in _CODES.get(kind, {}).items():
        if element in resource and resource[element] not in allowed:
            return "code-invalid", f"{kind}.{element}"
    return None
