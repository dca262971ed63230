"""What can go wrong between us and a partner we send to or fetch from."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
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
}
