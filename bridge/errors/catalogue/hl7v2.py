"""What can be wrong with an HL7 v2 message and with the MLLP connection it came by."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "hl7-batch": Entry(
        "The frame holds a batch or file (FHS, BHS, BTS or FTS), not one message.",
        "Send each message of the batch in a frame of its own.",
        "structure",
    ),
    "hl7-charset": Entry(
        "The bytes are no text in the declared character set, nor in UTF-8 or Windows-1252.",
        "Send UTF-8 and say so in MSH-18, or set the character set of this sender.",
        "structure",
    ),
    "hl7-charset-guessed": Entry(
        "No character set is declared and the bytes are not UTF-8; they were read as Windows-1252.",
        "Ask the sender to fill MSH-18, or set the character set of this sender.",
    ),
    "hl7-charset-mismatch": Entry(
        "The bytes do not look like the character set that MSH-18 declares.",
        "Ask the sender to correct MSH-18, or set the character set of this sender.",
    ),
    "hl7-charset-unknown": Entry(
        "MSH-18 names a character set that is not in HL7 table 0211.",
        "Ask the sender to correct MSH-18, or set the character set of this sender.",
    ),
    "hl7-continued": Entry(
        "The message says that it goes on in another message (DSC), so it is not whole.",
        "Send the whole referral in one message.",
        "not-supported",
    ),
    "hl7-control-character": Entry(
        "A text holds a control character; it was replaced by the mark U+FFFD.",
        "Remove control characters where the text is typed or exported.",
    ),
    "hl7-date-as-id": Entry(
        "RF1-6 or OBR-2 holds a date where the referral's identifier should be; it was not used.",
        "Look at how the sender fills RF1: its columns may have slipped.",
    ),
    "hl7-delimiters": Entry(
        "MSH-1 and MSH-2 do not hold five different delimiters.",
        "Send the usual delimiters, |^~\\& in this order.",
        "structure",
    ),
    "hl7-escape-kept": Entry(
        "A text holds an escape that is unknown, or a backslash that is none; it was kept as it stood.",
        "Escape a backslash as \\E\\ where the message is built.",
    ),
    "hl7-event-not-supported": Entry(
        "The message is no referral (REF^I12), change (I13) or cancellation (I14).",
        "Send only these events here, or name this sender's own trigger codes in its profile.",
        "not-supported",
    ),
    "hl7-id-shape": Entry(
        "The referral's identifier holds a line end or another character that no identifier has.",
        "Look at how the sender ends its segments; a line may have been joined to RF1.",
        "invalid",
    ),
    "hl7-line-end-in-field": Entry(
        "A line starts with no known segment; it was joined to the text before it.",
        "Write line breaks inside a text as \\.br\\.",
        "structure",
    ),
    "hl7-no-msh": Entry(
        "The message does not start with an MSH segment.",
        "Send one HL7 v2 message that starts with MSH.",
        "structure",
    ),
    "hl7-no-referral-id": Entry(
        "Nothing identifies the referral: neither RF1-6 nor OBR-2 holds an identifier.",
        "Send the referral's own identifier in RF1-6; without it a repeat would be a second referral.",
        "required",
    ),
    "hl7-separator-in-text": Entry(
        "A comment holds a bare field separator; its parts were put together again.",
        "Escape the field separator as \\F\\ where the message is built.",
    ),
    "hl7-several-messages": Entry(
        "One frame holds a second message header.",
        "Send each message in a frame of its own.",
        "structure",
    ),
    "hl7-several-persons": Entry(
        "The message holds more than one patient (PID), and it is not known who is referred.",
        "Send each referral in a message of its own.",
        "multiple-matches",
    ),
    "hl7-several-referrals": Entry(
        "The message names several referrals, and it is not known which one it is about.",
        "Send each referral in a message of its own.",
        "multiple-matches",
    ),
    "hl7-status-unknown": Entry(
        "RF1-1 holds a status that is not in HL7 table 0283; it was taken to say nothing.",
        "Look at how the sender fills RF1: its columns may have slipped.",
    ),
    "hl7-text-withdrawn": Entry(
        "A text was left out because its sender marks it as deleted or wrong (OBX-11).",
        "Nothing, unless the text should have been sent.",
    ),
    "hl7-time-hour-only": Entry(
        "A time gives the hour without minutes; only its day was used.",
        "Nothing, unless the time matters: then send minutes.",
        "informational",
    ),
    "hl7-time-no-clock": Entry(
        "The message's time says no hour and minute; the time of arrival counts instead.",
        "Send MSH-7 to the second, with offset.",
    ),
    "hl7-time-shape": Entry(
        "The text is not an HL7 time: yyyymmdd, hhmm, seconds, fraction and offset, in that order.",
        "Correct the time in the sending system; an offset has four digits.",
    ),
    "hl7-too-large": Entry(
        "The message is larger than this door accepts.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
    "hl7-too-many-fields": Entry(
        "A segment has more fields than any referral needs.",
        "Check how the message is built; a text may hold bare field separators.",
        "too-costly",
    ),
    "hl7-too-many-segments": Entry(
        "The message has more segments than any referral needs.",
        "Send one referral in one message.",
        "too-costly",
    ),
    "mllp-cut": Entry(
        "A message was cut and begun again on the same connection; the cut part was dropped unanswered.",
        "Look at the sender's time-out: it gave up before the message was sent.",
        "incomplete",
    ),
    "mllp-name-taken": Entry(
        "Two ports for MLLP, or a port and a caller, have the same name.",
        "Give each sender a name of its own.",
    ),
    "mllp-no-start-byte": Entry(
        "Bytes arrived that start no MLLP frame; the connection was closed.",
        "Check that this sender speaks MLLP to this port, without TLS where none is set up.",
        "structure",
    ),
    "mllp-port-taken": Entry(
        "Two doors of this bridge are to listen on the same port; only one of them could.",
        "Give each its own port.",
    ),
    "mllp-source": Entry(
        "The port names a mapping that there is not, or that does not read HL7 v2.",
        "Name a mapping of the format hl7v2, such as hl7v2-ref.",
    ),
    "mllp-too-slow": Entry(
        "A message began to come and did not end in time; the connection was closed.",
        "Look at the network and at the sender: it stops in the middle of messages.",
        "timeout",
    ),
    "mllp-crowded": Entry(
        "A port has as many connections as it takes; for each further one the longest waiting is closed.",
        "Look at who connects: a sender keeps one or a few and uses them again.",
        "throttled",
    ),
    "mllp-wrong-habit": Entry(
        "The port names a character set or time zone that this machine does not know.",
        "Use the name of a Python codec (cp1252) and of a zone (Europe/London).",
    ),
    "mllp-too-large": Entry(
        "A frame grew larger than this door accepts; the connection was closed.",
        "Send one referral in one message; attachments do not belong in it.",
        "too-long",
    ),
}
