"""What can go wrong between us and a partner we send to or fetch from."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "delivery-unsendable": Entry(
        "What the bridge built cannot be sent as it is; nothing left.",
        "Report it with the delivery's id: this is a fault of the bridge or of a mapping.",
        "exception",
    ),
    "partner-answer-foreign": Entry(
        "Something answered that is not the partner's FHIR server: a page, an empty answer, a redirect.",
        "The bridge tries again by itself; check the address, the proxy and the firewall on the way.",
        "transient",
    ),
    "partner-answer-half": Entry(
        "The partner's answer broke off or cannot be read to its end.",
        "The bridge looks what arrived and goes on by itself.",
        "transient",
    ),
    "partner-answer-unexpected": Entry(
        "The partner answered in FHIR, but not what was asked.",
        "The bridge tries again by itself; ask the partner when it lasts.",
        "processing",
    ),
    "partner-conflict": Entry(
        "The partner was writing something else at the same moment.",
        "The bridge tries again by itself.",
        "conflict",
    ),
    "partner-deferred": Entry(
        "The partner took it to be processed later and does not say what became of it.",
        "The bridge looks what arrived; ask the partner to answer when it has stored a referral.",
        "incomplete",
    ),
    "partner-failed": Entry(
        "The partner's server failed.",
        "The bridge looks what arrived and tries again by itself; tell the partner when it lasts.",
        "exception",
    ),
    "partner-late": Entry(
        "The partner did not answer in time.",
        "The bridge looks what arrived and tries again by itself; tell the partner when it lasts.",
        "timeout",
    ),
    "partner-link-elsewhere": Entry(
        "The next page of the partner's answer lies on another server, where our credentials must not go.",
        "Ask the partner to give links under the address it told us, or correct that address.",
        "security",
    ),
    "partner-lost": Entry(
        "The connection broke before the partner's answer was here.",
        "The bridge looks what arrived and tries again by itself.",
        "transient",
    ),
    "partner-not-found": Entry(
        "The partner does not know the place or the resource that was asked for.",
        "Check the partner's address; ask the partner whether it removed the referral.",
        "not-found",
    ),
    "partner-not-found-again": Entry(
        "The partner says it has what was sent, but a search does not find it.",
        "The bridge looks again by itself; ask the partner how long its index lags when it lasts.",
        "incomplete",
    ),
    "partner-not-ready": Entry(
        "The partner's server is up, but something behind it is not.",
        "The bridge tries again by itself; tell the partner when it lasts.",
        "transient",
    ),
    "partner-not-supported": Entry(
        "The partner does not support this kind of request, size or format.",
        "Compare the partner's CapabilityStatement with what a service must offer.",
        "not-supported",
    ),
    "partner-overtaken": Entry(
        "The partner holds something newer than what this refers to.",
        "Compare both sides with the partner, then release or discard.",
        "conflict",
    ),
    "partner-person-differs": Entry(
        "The service holds somebody born and named otherwise under this person's identifier.",
        "Find out with the practice and the service whose NHS number it is before releasing.",
        "business-rule",
    ),
    "partner-person-missing": Entry(
        "The service holds the referral but not the person it should be about.",
        "Ask the service what it holds under the referral's identifier.",
        "not-found",
    ),
    "partner-person-outdated": Entry(
        "The referral arrived, but the service refuses newer details of the person it already knew.",
        "Tell the service the details, then discard; or turn off updating people for this service.",
        "business-rule",
    ),
    "partner-poll-stuck": Entry(
        "The service shows more changes than one poll can read, and not in order of time.",
        "Ask the service to sort by _lastUpdated and to give a next page; what waits is not seen before.",
        "incomplete",
    ),
    "partner-refused": Entry(
        "The partner read it and says that it breaks a rule.",
        "Read the path and the issue code, mend the mapping or the record, then release.",
        "processing",
    ),
    "partner-request-missing": Entry(
        "The service no longer holds the referral that should be changed.",
        "Ask the service; send the referral anew if it was removed by mistake.",
        "not-found",
    ),
    "partner-search-cut": Entry(
        "The partner found more under one identifier than it showed.",
        "Ask the partner what it holds under the referral's identifier.",
        "multiple-matches",
    ),
    "partner-search-unasked": Entry(
        "The partner's search gave something that does not carry the identifier asked for.",
        "Ask the partner to support searching by identifier; nothing can be sent safely before.",
        "not-supported",
    ),
    "partner-several-matches": Entry(
        "The partner holds something several times that must be there once.",
        "Ask the partner to join or remove the doubles, then release.",
        "multiple-matches",
    ),
    "partner-several-persons": Entry(
        "The service holds several people under one identifier.",
        "Ask the service to join the records or to say which is right, then release.",
        "multiple-matches",
    ),
    "partner-several-requests": Entry(
        "The service holds this referral several times.",
        "Ask the service to keep one and mark the others entered in error, then release.",
        "multiple-matches",
    ),
    "partner-subject-differs": Entry(
        "What the service holds under this referral's identifier is about somebody else.",
        "Treat it as a possible disclosure: compare both sides with the service before anything is sent.",
        "business-rule",
    ),
    "partner-throttled": Entry(
        "The partner asked us to wait.",
        "The bridge waits as asked; lower the concurrency for this partner when it lasts.",
        "throttled",
    ),
    "partner-token-refused": Entry(
        "The partner's token endpoint did not accept who we are; the rule names the part it refused.",
        "Check that part of our key, its registration with the partner, and the clock of this machine.",
        "login",
    ),
    "partner-token-unavailable": Entry(
        "The partner's token endpoint did not answer, or asked us to wait; nothing was sent.",
        "The bridge tries again by itself; look at the partner's status page when it lasts.",
        "transient",
    ),
    "partner-token-unreadable": Entry(
        "What answered at the token address does not speak as a token endpoint.",
        "Check the token address in the configuration and any proxy on the way.",
        "transient",
    ),
    "partner-unauthorised": Entry(
        "The partner does not accept who we are, or does not let us do this.",
        "Check the credentials and what the partner allows them.",
        "forbidden",
    ),
    "partner-unclear": Entry(
        "The partner says no without saying what is wrong.",
        "The bridge tries again for a while; ask the partner with the request id.",
        "processing",
    ),
    "partner-unreached": Entry(
        "No connection to the partner: refused, unknown name, TLS or a full pool; nothing was sent.",
        "The bridge tries again by itself; check address, certificates and firewall when it lasts.",
        "transient",
    ),
    "partner-version-moved": Entry(
        "The partner changed the resource while it was being updated.",
        "The bridge reads it again and tries by itself.",
        "conflict",
    ),
    "record-person-closed": Entry(
        "The record is of someone who died, is no longer in use, or was joined with another.",
        "Decide with the practice whether and where the outcome belongs.",
        "business-rule",
    ),
    "record-person-differs": Entry(
        "The record under this NHS number is of somebody born or named otherwise; nothing was filed.",
        "Compare date of birth and surname with the practice before releasing.",
        "business-rule",
    ),
    "record-person-missing": Entry(
        "The GP record holds nobody with this NHS number; a patient is never created.",
        "Ask the practice whether the person is still registered there.",
        "not-found",
    ),
    "record-several-persons": Entry(
        "The GP record holds several people with this NHS number.",
        "Ask the practice to join the records or to say which is right, then release.",
        "multiple-matches",
    ),
    "record-subject-differs": Entry(
        "An outcome names somebody else than the referral it came for; nothing was filed.",
        "Treat it as a possible disclosure: compare the outcome with the service before anything is filed.",
        "business-rule",
    ),
}
