"""Letters to practices: why one waits, was refused, or nobody answered."""

from bridge.errors.catalogue.entry import Entry

_AGAIN = "release it to send it again, or discard it once the practice has filed it from its worklist."

ENTRIES: dict[str, Entry] = {
    "letter-answered": Entry(
        "The practice's system answered late that it has the letter, so it need not be sent again.",
        "Nothing to do.",
        "informational",
    ),
    "letter-filed": Entry(
        "The practice filed the letter from its worklist, so it need not be sent again.",
        "Nothing to do.",
        "informational",
    ),
    "letter-held": Entry(
        "The letter waits a while, so that what belongs into it, such as a last score, is in it.",
        "Nothing to do; the scheme's letter_hold_minutes says how long.",
        "informational",
    ),
    "letter-name-unwritable": Entry(
        "The person's name has letters that a MESH header cannot hold, so the letter cannot be addressed.",
        "Discard it once the practice has filed it from its worklist, or was told by the way agreed.",
        "not-supported",
    ),
    "letter-not-enabled": Entry(
        "The practice, or its system, does not take such documents.",
        f"Ask the practice to have them enabled; then {_AGAIN}",
        "not-supported",
    ),
    "letter-not-replayed": Entry(
        "A replay does not send a letter again: one that was refused or goes unanswered waits parked.",
        "Release the further attempt that is parked; else tell the practice by the way agreed.",
        "business-rule",
    ),
    "letter-person-incomplete": Entry(
        "MESH needs an NHS number, a whole date of birth and a surname to find the practice of a person.",
        "Have the practice complete the record, or discard it and tell the practice by the way agreed.",
        "required",
    ),
    "letter-person-not-there": Entry(
        "The practice does not know the person, or not any more.",
        f"Look where the person is registered; then {_AGAIN}",
        "not-found",
    ),
    "letter-person-unverified": Entry(
        "The NHS number of the person is not verified, so that a letter could reach the wrong record.",
        f"Have the practice verify it; then {_AGAIN}",
        "business-rule",
    ),
    "letter-refused": Entry(
        "The practice's system refused the letter; its code is with the message that says so.",
        f"Give the code to the supplier; then {_AGAIN}",
        "processing",
    ),
    "letter-replacement-refused": Entry(
        "The practice's system could not replace the letter that this one corrects.",
        "Tell the practice which letter is wrong; discard this one once it is filed from the worklist.",
        "processing",
    ),
    "letter-sender-unknown": Entry(
        "The practice's system does not accept us as a sender.",
        f"Have the sender registered with the supplier; then {_AGAIN}",
        "security",
    ),
    "letter-too-large": Entry(
        "The practice's system does not take a letter of this size.",
        "Discard it once the practice has filed it from its worklist.",
        "too-long",
    ),
    "letter-unanswered": Entry(
        "The practice's system has not said in time that it has the letter.",
        f"Ask the practice whether it is there. If not, {_AGAIN}",
        "timeout",
    ),
    "letter-unanswered-practice": Entry(
        "The practice's system has the letter and has not said in time that it knows the person.",
        f"Ask the practice whether it is there. If not, {_AGAIN}",
        "timeout",
    ),
    "mesh-mail-unknown": Entry(
        "A message in the MESH mailbox answers none of our letters, or cannot be read.",
        "Look who sent it; release to match it again, discard when it is not ours.",
        "not-found",
    ),
    "mesh-no-mailbox": Entry(
        "The practice where the person is registered has no MESH mailbox for such letters (EPL-151).",
        "Discard it once the practice has filed it from its worklist, or was told by the way agreed.",
        "not-found",
    ),
    "mesh-not-collected": Entry(
        "The practice's system has not collected the letter from MESH (code 14).",
        f"Ask the practice whether its MESH works; then {_AGAIN}",
        "timeout",
    ),
    "mesh-number-wrong": Entry(
        "MESH says that the NHS number is not valid (EPL-152).",
        f"Have the practice correct it; then {_AGAIN}",
        "value",
    ),
    "mesh-person-differs": Entry(
        "The number is held for somebody with another surname or date of birth (EPL-154).",
        f"Find out who the person is; have the record corrected; then {_AGAIN}",
        "conflict",
    ),
    "mesh-person-not-found": Entry(
        "Nobody is held under that NHS number (EPL-153).",
        f"Have the practice check the number; then {_AGAIN}",
        "not-found",
    ),
    "mesh-refused": Entry(
        "MESH did not take the letter, and said so at once.",
        f"Check mailbox and workflow with the MESH service desk; then {_AGAIN}",
        "processing",
    ),
    "mesh-report": Entry(
        "MESH could not deliver the letter; its report is with the message that says so.",
        f"Look into the report; then {_AGAIN}",
        "processing",
    ),
    "mesh-several-mailboxes": Entry(
        "MESH found more than one mailbox for the practice (EPL-150).",
        f"Ask the MESH service desk to put it right; then {_AGAIN}",
        "multiple-matches",
    ),
    "letter-not-listed": Entry(
        "The letter is not on the worklist: it is on its way, or was replaced by another one.",
        "Nothing to do; the practice has it from elsewhere or will get it.",
        "conflict",
    ),
    "patient-moved": Entry(
        "The person is not registered with the practice any more that referred them.",
        "Find out where they are registered; discard, and tell that practice by the way agreed for it.",
        "business-rule",
    ),
    "pds-not-registered": Entry(
        "PDS holds the person as registered with no practice, so there is nowhere to send the letter.",
        "Find out where the person is registered; discard, and tell that practice by the way agreed.",
        "not-found",
    ),
    "pds-number-superseded": Entry(
        "PDS holds the person under another NHS number now.",
        f"Have the practice correct the number; then {_AGAIN}",
        "conflict",
    ),
    "pds-person-differs": Entry(
        "PDS holds that NHS number for somebody with another surname or date of birth.",
        f"Find out who the person is; have the record corrected; then {_AGAIN}",
        "conflict",
    ),
    "pds-person-not-found": Entry(
        "PDS holds nobody with that number, or nobody of these details.",
        f"Have the practice check the record; then {_AGAIN}",
        "not-found",
    ),
    "pds-several-persons": Entry(
        "PDS holds several people of these details, so none of them is surely the one.",
        f"Have the practice add the NHS number; then {_AGAIN}",
        "multiple-matches",
    ),
}
