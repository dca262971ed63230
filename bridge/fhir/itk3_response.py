"""An ITK3 response: which message it answers, and with which code."""

from dataclasses import dataclass

from bridge.domain.itk import RESPONSE_EVENT
from bridge.domain.systems import ITK_RESPONSE
from bridge.fhir import inbound
from bridge.fhir.references import Message
from bridge.fhir.trees import codings, text, tree_at, trees

LIMIT = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Response:
    """`answers` is the id of the message, in lower case; `code` an ITK response code, or ""."""

    answers: str
    code: str


def read(body: bytes) -> Response | None:
    """The response in FHIR XML or JSON; None for any other message. IntakeError when it is no FHIR at all."""
    held = Message.of(inbound.read(body, limit=LIMIT))
    header = next((entry.resource for entry in held.all("MessageHeader")), None)
    if header is None or text(header, "event", "code") != RESPONSE_EVENT:
        return None
    said = (
        code
        for outcome in held.all("OperationOutcome")
        for issue in trees(outcome.resource, "issue")
        for system, code in codings(tree_at(issue, "details"))
        if system == ITK_RESPONSE
    )
    answers = text(header, "response", "identifier").lower().removeprefix("urn:uuid:")
    return Response(answers=answers, code=next(said, ""))
