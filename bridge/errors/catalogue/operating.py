"""What health finds: the node, its database and disk, partners, feeds, and what expires."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "alert-unsent": Entry(
        "Alerts do not reach anybody by this route; they are kept and sent when it works again.",
        "Run `bridge alerts test`: it says why. Until then look at health yourself.",
        "exception",
    ),
    "cancel-waiting": Entry(
        "A cancel is parked: the service may still contact someone who should not be contacted.",
        "Telephone the service now, then see `bridge parked list`.",
        "processing",
    ),
    "certificate-expired": Entry(
        "A certificate in use has expired, so the other side refuses the connection.",
        "Put the new certificate in its place and restart the node.",
        "expired",
    ),
    "certificate-expiring": Entry(
        "A certificate in use expires soon.",
        "Order the next one; put it in its place and restart the node.",
        "informational",
    ),
    "clock-offset": Entry(
        "The clocks of this node and of the database are too far apart.",
        "Let both keep time by NTP; until then times in logs and on certificates do not fit.",
        "exception",
    ),
    "database-slow": Entry(
        "The database answers more slowly than it should.",
        "Look at the disk and at what else uses the database.",
        "timeout",
    ),
    "disk-filling": Entry(
        "Less than twice the free disk is left at which the doors close.",
        "Make room, or let `bridge purge` drop what is past its time.",
        "no-store",
    ),
    "key-expired": Entry(
        "The last day of a caller's key has passed, and the caller is refused.",
        "Make a new key with `bridge keys new` and give it to the caller.",
        "expired",
    ),
    "key-expiring": Entry(
        "The last day of a caller's key comes soon.",
        "Make a second key with `bridge keys new`; drop the old one once the caller uses the new.",
        "informational",
    ),
    "key-ring-gone": Entry(
        "The key ring in its place is gone or not the one in use: after a restart nothing could be read.",
        "Put its copy back, mode 0600, owned by the bridge's user, before this node ends; make no new one.",
        "exception",
    ),
    "parked-waiting": Entry(
        "Something waits for a person, and it is not sent until then.",
        "Run `bridge parked list`; `bridge parked show` says what to do next.",
        "processing",
    ),
    "partner-away": Entry(
        "A partner fails again and again and is left alone for a while; deliveries wait and go out later.",
        "Nothing is lost. Ask the partner if it lasts; the log says with which code it fails.",
        "transient",
    ),
    "partner-refusing": Entry(
        "A partner refuses different referrals for the same reason: a rule at its side or ours has changed.",
        "Compare the code in the log with what the partner changed; deliveries wait until it accepts one.",
        "business-rule",
    ),
    "poll-failing": Entry(
        "A service, or a mailbox, cannot be asked for news; what it has to tell does not come in.",
        "Nothing is lost: it is asked again from where it answered last. The value of the check says why.",
        "transient",
    ),
    "queue-oldest-late": Entry(
        "The oldest delivery under way to a partner has waited for too long.",
        "Look at the partner's breaker and at its attempts with `bridge referrals show`.",
        "timeout",
    ),
    "queue-urgent-late": Entry(
        "An urgent referral has waited for too long to be sent.",
        "Tell the service by telephone; look at the partner's breaker.",
        "timeout",
    ),
    "source-silent": Entry(
        "A source has not been heard of for longer than it should be.",
        "Ask who runs it whether it sends; look into the drop folder and at refused messages.",
        "timeout",
    ),
    "worker-wedged": Entry(
        "A part of this node has not moved for two minutes.",
        "Restart the node; what was in flight is looked up before it is sent again.",
        "exception",
    ),
    "practice-under-way": Entry(
        "Something of the practice is still under way, or the practice is not switched off.",
        "Set its mode to off, settle what `bridge practice show` counts, then run it again.",
        "conflict",
    ),
    "subject-nhs-number": Entry(
        "This is not an NHS number, or its check digit is wrong.",
        "Read the number again from the request; nothing was looked up.",
        "value",
    ),
    "subject-correction": Entry(
        "The correction names something that cannot be corrected here, or says it in a wrong form.",
        "Give only family, given, prefix, preferred_name, birth_date, gender or language, as JSON.",
        "invalid",
    ),
    "subject-open": Entry(
        "The person has an open referral, or something of theirs is still to be delivered.",
        "Run `bridge subject object` to take open referrals back; erase once that was delivered.",
        "conflict",
    ),
}
