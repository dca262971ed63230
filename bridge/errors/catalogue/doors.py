"""What the HTTP doors say of a request, and of content that nobody could read."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "body-cut": Entry(
        "The connection ended, or its time was up, before the whole body was here; nothing was kept.",
        "Send it again, whole.",
        "incomplete",
    ),
    "body-encoded": Entry(
        "The body is compressed; the doors take it as it is.",
        "Send it without Content-Encoding.",
        "not-supported",
    ),
    "body-too-large": Entry(
        "The request is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "disk-nearly-full": Entry(
        "The bridge has too little free disk to take anything more.",
        "Send it again later; an operator makes room.",
        "no-store",
    ),
    "held": Entry(
        "The bridge stands still on purpose and takes nothing until an operator resumes it.",
        "Send it again later; `bridge hold` says who stopped it and why.",
        "transient",
    ),
    "media-type": Entry(
        "This address does not take content of that type.",
        "Set Content-Type to the type that docs/reference/http.md names for this address.",
        "not-supported",
    ),
    "method-not-allowed": Entry(
        "This address does not know that HTTP method.",
        "Compare the request with docs/reference/http.md.",
        "not-supported",
    ),
    "no-event": Entry(
        "The message was read and says nothing of a referral.",
        "Check that the right kind of message is sent to this address.",
        "required",
    ),
    "not-acceptable": Entry(
        "The answer cannot be given in the form that Accept asks for.",
        "Ask for JSON, or leave Accept out.",
        "not-supported",
    ),
    "not-found": Entry(
        "There is no such thing, or not for this caller.",
        "Check the address and whose credential is used.",
        "not-found",
    ),
    "parameter-wrong": Entry(
        "A parameter of the request is missing or has another form than it should.",
        "Compare the parameter at that place with docs/reference/http.md.",
        "value",
    ),
    "source-not-yours": Entry(
        "There is no such source, or this caller may not send from it.",
        "Check the name in the address and the sources of the caller's entry.",
        "forbidden",
    ),
    "too-much-waiting": Entry(
        "So much waits to be sent already that the bridge takes nothing more for now.",
        "Send it again later; an operator looks at /health for the partner that is behind.",
        "throttled",
    ),
    "unacceptable": Entry(
        "The message was read but cannot be used.", "Mend it and send it again.", "processing"
    ),
    "unavailable": Entry(
        "The bridge cannot keep anything right now.",
        "Keep the message and send it again; an operator looks at /health.",
        "transient",
    ),
    "value-not-storable": Entry(
        "A value is too long for the place where it is kept, or holds a NUL character.",
        "Look for an identifier, version or time of unusual length, or a NUL, in what was sent.",
        "value",
    ),
    "waiting-too-long": Entry(
        "What waits to be sent has waited so long that the bridge takes nothing more for now.",
        "Send it again later; an operator looks at /health for the partner that is behind.",
        "throttled",
    ),
    "unreadable": Entry(
        "The message is not in the form that this address reads.",
        "Check the format and the address it is sent to.",
        "structure",
    ),
}
