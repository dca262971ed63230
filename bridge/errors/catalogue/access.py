"""Who may call us, and what we can no longer open: credentials, callers, keys, sealed values."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "caller-not-allowed": Entry(
        "We know the caller, but it may not do this: a scope, source, practice or service is not its own.",
        "Compare the request with the caller's entry in the configuration.",
        "forbidden",
    ),
    "caller-too-often": Entry(
        "This caller sends more requests than it may.",
        "Wait as long as Retry-After says; an operator can raise requests_per_s and burst of http.",
        "throttled",
    ),
    "credential-expired": Entry(
        "The credential was good once and has expired.",
        "Use the caller's newer key, or fetch a new token; check the clocks of both sides.",
        "expired",
    ),
    "credential-missing": Entry(
        "The request shows no API key, no token and no client certificate.",
        "Send the credential this caller was given.",
        "login",
    ),
    "credential-refused": Entry(
        "The credential is not one of ours, not whole, or not signed by who we trust; the rule says why.",
        "Check the credential and the caller's entry in the configuration.",
        "security",
    ),
    "issuer-keys-unavailable": Entry(
        "The keys of a token issuer cannot be fetched, so its tokens cannot be checked.",
        "Check the address or file of the issuer's keys; callers may try again.",
        "transient",
    ),
    "key-needed": Entry(
        "Something kept still needs this key: sealed values, the audit chain, or indexes.",
        "Run `bridge keys reseal`, or let retention do its work; `bridge keys list` counts what is left.",
        "business-rule",
    ),
    "sealed-value-altered": Entry(
        "A sealed value in the store was altered, cut short or moved to another row; it does not open.",
        "Treat it as damage or tampering: keep the store as it is, compare with a backup.",
        "exception",
    ),
}
