"""What can be wrong with a date or a time, whichever format it came in."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "birth-date-future": Entry(
        "The date of birth is after today.",
        "Correct the date of birth in the GP system and send again.",
    ),
    "birth-date-too-old": Entry(
        "The date of birth is more than 130 years ago.",
        "Correct the date of birth in the GP system and send again.",
    ),
    "date-ahead": Entry(
        "The day or time is more than a day after the message came.",
        "Check the clock of the sending system, or correct the date where it was typed.",
    ),
    "date-impossible": Entry(
        "There is no such day or time.",
        "Correct the date where it was typed; month and day may be swapped.",
    ),
    "date-not-fhir": Entry(
        "The text is not a FHIR date or time.",
        "Send yyyy, yyyy-mm, yyyy-mm-dd, or yyyy-mm-ddThh:mm:ss with an offset.",
    ),
    "date-precision-unknown": Entry(
        "The date's precision is none of U, Y, YM, YMD and YMDT.",
        "Check the extract; a column may have slipped.",
    ),
    "date-time-no-offset": Entry(
        "A time stands without its offset from UTC.",
        "Send the offset: Z, +00:00 or +01:00.",
    ),
    "date-year-range": Entry(
        "The year is before 1850 or after 2150.",
        "Correct the year where it was typed.",
    ),
    "local-time-repeated-hour": Entry(
        "The time lies in the hour that comes twice when the clocks go back; the first was taken.",
        "Nothing, unless the hour matters: then send an offset.",
        "informational",
    ),
    "local-time-skipped-hour": Entry(
        "The time lies in the hour that the clocks skip in spring; it was moved one hour on.",
        "Check the clock of the sending system.",
        "informational",
    ),
    "uk-date-shape": Entry(
        "This is not a date of day, month and year.", "Compare it with the mapping's transform."
    ),
}
