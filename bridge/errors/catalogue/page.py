"""What the page of people, its accounts and its forms have to say."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "account-known": Entry(
        "There is an account of this name already.",
        "Choose another name, or change that account with `bridge accounts`.",
        "duplicate",
    ),
    "account-name": Entry(
        "An account's name is 2 to 64 small letters, digits, dots, hyphens, underscores or @.",
        "Choose such a name.",
        "invalid",
    ),
    "account-practices": Entry(
        "Someone at a practice, and a data officer, has practices: ODS codes in capitals.",
        "Name each with --practice.",
        "required",
    ),
    "account-roles": Entry(
        "An account has one or more of the roles that a person can have.",
        "Name each with --role.",
        "invalid",
    ),
    "form-stale": Entry(
        "The form was made for another session, or has been open for too long; nothing was done.",
        "Open the page again and send the form from there.",
        "forbidden",
    ),
    "id-unknown": Entry(
        "Nothing has this id; perhaps it was purged, or the id is not whole.",
        "Compare it with where it came from: an id of ours has 36 characters.",
        "not-found",
    ),
    "page-away": Entry(
        "The database cannot be read right now, so there is nothing to show.",
        "Try again in a minute; `bridge health` and /ready say more.",
        "transient",
    ),
    "page-missing": Entry(
        "There is no such page, or it is not for your practice.",
        "Go back to where you came from, or find the item by its id.",
        "not-found",
    ),
    "page-needs-tls": Entry(
        "The page is shown on this machine, over TLS, or behind a proxy that ends TLS: not like this.",
        "Give `http` a certificate or name its proxies; or open the page on the machine itself.",
        "security",
    ),
    "page-not-yours": Entry(
        "Your account does not open this part of the page.",
        "Ask whoever runs the bridge, if you need it for your work.",
        "forbidden",
    ),
    "password-weak": Entry(
        "The password is too short, too long, or holds the account's name.",
        "Choose at least 12 characters; three random words make a good one.",
        "invalid",
    ),
    "reason-missing": Entry(
        "A reason is needed: it is kept in the audit. Nothing was done.",
        "Say in a few words why. No names, no numbers of patients.",
        "required",
    ),
    "sign-in-refused": Entry(
        "Name and password do not fit, or the account is disabled.",
        "Try again; whoever runs the bridge can give the account a new password.",
        "login",
    ),
    "sign-in-too-often": Entry(
        "Somebody has tried to sign in too often.",
        "Wait half a minute and try again.",
        "throttled",
    ),
}
