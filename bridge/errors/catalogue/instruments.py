"""What can be wrong with a score, an answer or a questionnaire."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "instrument-unknown": Entry(
        "The score is of a questionnaire this bridge cannot check.",
        "Name a supported questionnaire, or send the result as text.",
        "not-supported",
    ),
    "items-count": Entry(
        "The form does not have as many answers as the questionnaire has items.",
        "Send one answer an item, empty where there is none.",
    ),
    "items-incomplete": Entry(
        "Too many items are unanswered for a score; nothing is filled in for them.",
        "Ask the person again, or send no score.",
        "incomplete",
    ),
    "items-not-answer": Entry(
        "An answer is not one the questionnaire offers.",
        "Send whole numbers, or yes, more or less, no for the De Jong Gierveld scale.",
    ),
    "items-out-of-range": Entry(
        "An answer lies outside the scale of its item.",
        "Check the answer list of the form against the questionnaire.",
    ),
    "items-total-differs": Entry(
        "The stated total is not the sum of the answers.",
        "Correct the total or the answers and send again.",
        "invariant",
    ),
    "ons4-not-one-score": Entry(
        "The four ONS well-being questions are four scores and are never added up.",
        "Name the question each score answers.",
    ),
    "respondent-proxy": Entry(
        "Someone else answered a questionnaire that only the person may answer.",
        "Ask the person, or send no score.",
        "business-rule",
    ),
    "respondent-too-young": Entry(
        "The person is younger than the questionnaire is meant for.",
        "Send no score of this questionnaire.",
        "business-rule",
    ),
    "risk-told-first": Entry(
        "An answer says that the person may be at risk; the risk contact was told before anything else.",
        "Nothing to do here. This is no emergency channel: where somebody is in danger, call 999.",
        "informational",
    ),
    "score-absent": Entry(
        "There is no score, and the sender says why.", "Nothing to do; no score is filed.", "informational"
    ),
    "score-baseline-late": Entry(
        "The first score was taken after the first contact, so it is no baseline.",
        "Nothing to do; ask before the first contact next time.",
        "informational",
    ),
    "score-date-after-closure": Entry(
        "The score was taken after the referral had ended.",
        "Correct the date; release it if the score belongs to this referral all the same.",
    ),
    "score-date-before-referral": Entry(
        "The score was taken more than 14 days before the referral.",
        "Correct the date; release it if the score belongs to this referral all the same.",
    ),
    "score-date-future": Entry("The score was taken in the future.", "Correct the date and send it again."),
    "score-date-missing": Entry(
        "It is not said when the score was taken.", "Send it with the day or the time.", "required"
    ),
    "score-follow-up-early": Entry(
        "This score was taken sooner after the first one than the scheme's gap.",
        "Nothing to do.",
        "informational",
    ),
    "score-has-no-metric": Entry(
        "A metric score was sent for a questionnaire that has none.",
        "Send the raw score.",
    ),
    "score-missing": Entry(
        "The score is empty.",
        "Send the score, or say why there is none; a refusal is not 0.",
        "required",
    ),
    "score-not-in-metric-table": Entry(
        "The score is not a value of the questionnaire's metric table.",
        "Send the raw score, or the metric score as the table prints it.",
    ),
    "score-not-number": Entry(
        "The score is not a plain decimal number.",
        "Send the number alone, without unit or exponent.",
    ),
    "score-not-whole": Entry(
        "A raw score has decimals.",
        "Send the raw score as a whole number, or say that it is the metric score.",
    ),
    "score-out-of-range": Entry(
        "The score lies outside the questionnaire's range.",
        "Check the score and which questionnaire it is of.",
    ),
    "score-raw-or-metric": Entry(
        "The score could be raw or metric: both forms hold this value.",
        "Say which form the score is in.",
        "required",
    ),
}
