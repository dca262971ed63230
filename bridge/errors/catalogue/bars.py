"""What can be wrong with a message of the Booking and Referral Standard: headers, bundle, workflow."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "bars-bundle-id": Entry(
        "The message Bundle has no id, or it is not a UUID.",
        "Give each new message Bundle a UUID.",
        "required",
    ),
    "bars-header-content": Entry(
        "A header holds no JSON object of the kind the Booking and Referral Standard describes.",
        "Encode the object that the standard's API gives for this header.",
        "structure",
    ),
    "bars-header-missing": Entry(
        "A header that the Booking and Referral Standard requires is missing.",
        "Send X-Request-Id, X-Correlation-Id and NHSD-Target-Identifier with every request.",
        "required",
    ),
    "bars-header-not-base64": Entry(
        "A header that holds an object is not base64.",
        "Encode the JSON object as standard base64.",
        "structure",
    ),
    "bars-header-not-uuid": Entry(
        "X-Request-Id or X-Correlation-Id is no UUID.",
        "Send a UUID with hyphens; the same one when a request is repeated.",
        "invalid",
    ),
    "bars-header-too-long": Entry(
        "A header is longer than any object the standard puts there.",
        "Send only the elements the standard names.",
        "too-long",
    ),
    "bars-not-acceptable": Entry(
        "The Accept header allows no FHIR JSON.",
        "Accept application/fhir+json.",
        "processing",
    ),
    "bars-request-id-reused": Entry(
        "This X-Request-Id was used before for another message; nothing of this one was done.",
        "Give each message an X-Request-Id of its own, and repeat a message byte by byte.",
        "conflict",
    ),
    "bars-request-repeated": Entry(
        "The message of this X-Request-Id was processed before; nothing was done twice.",
        "Nothing to do: treat it as delivered.",
        "duplicate",
    ),
    "bars-request-under-way": Entry(
        "The message of this X-Request-Id is being processed at this moment.",
        "Send the same again in a few seconds.",
        "duplicate",
    ),
    "bars-version-missing": Entry(
        "Bundle.meta.versionId, the version of the BaRS Application, is missing.",
        "Send the version of the Application the message follows.",
        "invariant",
    ),
    "bars-version-not-supported": Entry(
        "The BaRS Application version of the message is not supported here.",
        "Send a version this service lists in its message definitions.",
        "not-supported",
    ),
    "bars-workflow": Entry(
        "Event, reason, category and statuses do not make one of the BaRS workflows.",
        "Send a new referral, or the cancellation of one, as BaRS Core defines them.",
        "invariant",
    ),
}
