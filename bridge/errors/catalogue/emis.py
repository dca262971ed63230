"""What can be wrong with an EMIS extract: its files, its rows, and what they say."""

from bridge.errors.catalogue.entry import Entry

ENTRIES: dict[str, Entry] = {
    "emis-agreement-off": Entry(
        "The practice's sharing agreement with us is switched off; its rows in this extract were left alone.",
        "Ask the practice to switch the agreement on again, then ask the supplier for a full extract.",
        "suppressed",
    ),
    "emis-batch-ahead": Entry(
        "The extract is dated more than a week ahead; every right one would be older until then.",
        "Ask the supplier for the extract under its right date.",
        "business-rule",
    ),
    "emis-batch-mixed": Entry(
        "The files are of more than one extract time or sharing agreement.",
        "Put the files of one extract into one folder.",
        "structure",
    ),
    "emis-batch-old": Entry(
        "The extract is older than the last one that was read.",
        "Check the order in which extracts are delivered; an older one must not undo a newer.",
        "business-rule",
    ),
    "extract-cancels-too-many": Entry(
        "The extract would cancel so many referrals that it is more likely a fault of the feed.",
        "Ask the supplier; release it when it is right. Discarding it also loses the referrals in it.",
        "business-rule",
    ),
    "extract-changed": Entry(
        "An extract that was read before has come again under the same file names with other content.",
        "Ask the supplier which of the two is right; have it sent under names of its own.",
        "conflict",
    ),
    "emis-became-confidential": Entry(
        "An entry that became a referral was marked confidential since; nothing of it is kept here any more.",
        "Ask the practice whether the service should still hold the referral.",
        "suppressed",
    ),
    "emis-code-unknown": Entry(
        "An entry uses a code that the coding table does not hold yet.",
        "Wait for the next extract; if it lasts, ask the supplier for the coding row.",
    ),
    "emis-coding-incomplete": Entry(
        "Very many codes in use are not in the coding table, which should be whole in every extract.",
        "Ask the supplier for a whole extract; nothing of this one was used.",
        "incomplete",
    ),
    "emis-column-missing": Entry(
        "A table lacks a column that is needed.",
        "Compare the header with the supplier's specification, version 5 to 8.",
        "structure",
    ),
    "emis-column-twice": Entry(
        "A table has the same column twice, so a row says two things.",
        "Ask the supplier to correct the header.",
        "structure",
    ),
    "emis-column-unknown": Entry(
        "A table has a column that this version does not know; it was not read.",
        "Look at the supplier's change history; tell the maintainers when it matters.",
        "informational",
    ),
    "emis-date-shape": Entry(
        "An EMIS date is not yyyy-mm-dd, or its time not hh:mm:ss.",
        "Check the extract; a column may have slipped.",
        "structure",
    ),
    "emis-decline-removed": Entry(
        "A decline was deleted or given another code; the referral it withdrew stays withdrawn.",
        "Ask the practice whether the person should be referred again.",
        "business-rule",
    ),
    "emis-delete-unsure": Entry(
        "An entry that became a referral was deleted, and we no longer know the patient's registration.",
        "Ask the practice whether the referral is cancelled or the patient has left.",
        "business-rule",
    ),
    "emis-encrypted": Entry(
        "The file is still encrypted.",
        "Decrypt and verify the files before they are delivered here; the bridge holds no key for it.",
        "security",
    ),
    "emis-extract-empty": Entry(
        "Nobody's rows are in the extract; it was taken as an outage and not as news.",
        "Ask the supplier whether the sharing agreement or the export is switched off.",
        "incomplete",
    ),
    "emis-file-cut": Entry(
        "A table ends in the middle of a line, so the rest is missing; nothing of the extract was used.",
        "Deliver the extract again; look at why the transfer broke off.",
        "incomplete",
    ),
    "emis-file-kind": Entry(
        "What has the name of an extract file is a link or a folder.",
        "Deliver plain files.",
        "structure",
    ),
    "emis-file-name": Entry(
        "The name of a file is not that of an extract file; it was left alone.",
        "Remove what does not belong to the extract.",
        "informational",
    ),
    "emis-folder": Entry(
        "The folder of the extract cannot be read.",
        "Check that it exists and who may read it.",
        "not-found",
    ),
    "emis-half-alone": Entry(
        "A referral row came, and the entry it belongs to did not follow in time.",
        "Look the entry up in the practice; if it refers to social prescribing, ask the supplier for it.",
        "incomplete",
    ),
    "emis-halves-unpaired": Entry(
        "The referral table is very long, so rows in it without their entry were not kept.",
        "Nothing, for a full extract; an entry that comes later is a referral without them.",
        "informational",
    ),
    "emis-header": Entry(
        "The first line of a table is not readable as a header.",
        "Ask the supplier for the file again.",
        "structure",
    ),
    "emis-not-a-message": Entry(
        "An EMIS extract is a folder of files; one message cannot hold it.",
        "Put the files of the extract into the drop folder.",
        "not-supported",
    ),
    "emis-patient-unknown": Entry(
        "An entry refers a patient whose row has not come yet.",
        "Wait for the next extract; if it lasts, ask the supplier for the patient's row.",
        "incomplete",
    ),
    "emis-practice-unknown": Entry(
        "An entry belongs to a practice whose row has not come yet.",
        "Wait for the next extract; if it lasts, ask the supplier for the organisation's row.",
        "incomplete",
    ),
    "emis-row-bytes": Entry(
        "A row holds bytes that are not UTF-8; it was not read.",
        "Ask the supplier for the row again.",
        "structure",
    ),
    "emis-row-columns": Entry(
        "A row has more or fewer columns than the header; it was not looked into.",
        "Ask the supplier for the row again.",
        "structure",
    ),
    "emis-row-nul": Entry(
        "A row holds a NUL byte; it was not read.",
        "Ask the supplier for the file again; it may be damaged.",
        "structure",
    ),
    "emis-row-syntax": Entry(
        "The quotation marks of a row do not match; it was not read.",
        "Ask the supplier for the row again.",
        "structure",
    ),
    "emis-row-too-large": Entry(
        "A row never ends; nothing of the extract was used.",
        "Ask the supplier for the file again; it may be damaged.",
        "too-long",
    ),
    "emis-row-value": Entry(
        "A row's key, flag or number is not what its column should hold; the columns may be shifted.",
        "Ask the supplier for the row again.",
        "structure",
    ),
    "emis-staff-ambiguous": Entry(
        "Two organisations use the same staff key; who made the entry was left out.",
        "Nothing here; the practice can see who made it.",
        "informational",
    ),
    "emis-table-missing": Entry(
        "A table that belongs to the extract is not there.",
        "Wait for the rest of the files, or ask the supplier for it.",
        "incomplete",
    ),
    "emis-table-twice": Entry(
        "There are two files of the same table.",
        "Put the files of one extract into one folder.",
        "duplicate",
    ),
    "emis-table-unknown": Entry(
        "A file is of a table that this version does not know; it was not read.",
        "Look at the supplier's change history; tell the maintainers when it matters.",
        "informational",
    ),
}
