"""What a partner says in an OperationOutcome: which kind of no it is, and where, without a word of its text.

Issue codes: http://hl7.org/fhir/R4/valueset-issue-type.html. The texts are read for one purpose only: a
server whose database is away has been seen to answer 400 `invalid` with "connect ECONNREFUSED" in them.
"""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from bridge.errors import Problem
from bridge.fhir.elements import elements_of, is_resource
from bridge.fhir.trees import text, texts, tree_at, trees

INFRASTRUCTURE = frozenset(
    {"exception", "incomplete", "lock-error", "no-store", "throttled", "timeout", "transient"}
)
VALIDATION = frozenset(
    {
        "business-rule", "code-invalid", "duplicate", "extension", "invalid", "invariant", "not-supported",
        "processing", "required", "structure", "too-costly", "too-long", "value",
    }
)  # fmt: skip
_OTHER = frozenset(
    {
        "conflict", "deleted", "expired", "forbidden", "informational", "login", "multiple-matches",
        "not-found", "security", "suppressed", "unknown",
    }
)  # fmt: skip
_KNOWN = INFRASTRUCTURE | VALIDATION | _OTHER

_HARMLESS = frozenset({"information", "warning"})
_BARS_CONFLICT = "REC_CONFLICT"  # BaRS error codes; kept for a request that was processed or overtaken
_SPEAKS_OF_INFRASTRUCTURE = re.compile(
    r"\bE(?:CONNREFUSED|CONNRESET|TIMEDOUT|PIPE|NOTFOUND|HOSTUNREACH|NETUNREACH|AI_AGAIN)\b"
    r"|connection (?:is |was |has been )?(?:refused|reset|closed|terminated|timed out|lost)"
    r"|(?:connection|connect|database|pool|query|statement|lock|upstream)\W(?:\w+\W){0,3}timed?[ -]?out"
    r"|could not (?:connect|serialize)|cannot connect|unable to connect|server closed the connection"
    r"|too many (?:clients|connections)|deadlock|read-only transaction|no space left|out of memory",
    re.IGNORECASE,
)
_STEP = re.compile(r"([A-Za-z]+)((?:\[\d{1,4}\])?)")
_READ = 2000  # characters of a text that are looked at
PROBLEMS = 5  # told of one answer


class Voice(StrEnum):
    """What the body of an answer is."""

    RESOURCE = "fhir"  # a FHIR resource that reports no error
    VALIDATION = "validation"  # an error of ours, by its issue codes
    INFRASTRUCTURE = "infrastructure"  # an error of theirs
    ERROR = "error"  # an error of neither kind: not found, conflict, unknown
    DUPLICATE = "duplicate"  # BaRS: this request was processed before
    OVERTAKEN = "overtaken"  # BaRS: what they hold is newer than what we refer to
    EMPTY = "empty"  # nothing came with the status
    BARE = "bare"  # empty, yet its headers name the version that was stored
    FOREIGN = "foreign"  # HTML, XML, JSON that is no FHIR resource
    HALF = "half"  # began as JSON and cannot be read to its end


def voice_of(resource: Mapping[str, Any]) -> Voice:
    """What a FHIR resource says of the request; anything but an OperationOutcome reports no error."""
    issues = [i for i in trees(resource, "issue") if text(i, "severity") not in _HARMLESS]
    if resource.get("resourceType") != "OperationOutcome" or not issues:
        return Voice.RESOURCE
    codes = {text(i, "code") for i in issues}
    if any(text(c, "code") == _BARS_CONFLICT for i in issues for c in trees(tree_at(i, "details"), "coding")):
        return Voice.DUPLICATE if "duplicate" in codes else Voice.OVERTAKEN
    if codes & INFRASTRUCTURE or any(_SPEAKS_OF_INFRASTRUCTURE.search(said) for said in _texts(issues)):
        return Voice.INFRASTRUCTURE
    return Voice.VALIDATION if codes & VALIDATION else Voice.ERROR


def problems_in(resource: Mapping[str, Any], code: str, at: str = "") -> tuple[Problem, ...]:
    """One problem for each issue (the first five), under our catalogue code: place, path and issue code only.

    `at` is where in the answer the OperationOutcome stands; "" when it is the answer.
    """
    if resource.get("resourceType") != "OperationOutcome":
        return ()
    return tuple(
        Problem(
            code=code,
            at=f"{at or 'OperationOutcome'}.issue[{index}]",
            target=_place(issue),
            rule=f"issue-type {issue_code}" if (issue_code := text(issue, "code")) in _KNOWN else "",
        )
        for index, issue in enumerate(trees(resource, "issue")[:PROBLEMS])
    )


def known_path(expression: str) -> str:
    """The part of a FHIRPath that walks elements of R4, so that nothing else can hide in it; "" when none.

    `Patient.name[0].family` stays; of `Patient.name.where(family='…')` the first two steps do.
    """
    kind, walked = "", list[str]()
    for step in expression.split("."):
        match = _STEP.match(step)
        if match is None:
            break
        name, index = match.groups()
        if not walked:
            kind = name if is_resource(name) else ""
        else:
            element = elements_of(kind).get(name)
            kind = element.kind if element else ""
        if not kind:
            break
        walked.append(name + index)
        if match.end() != len(step):
            break
    return ".".join(walked)


def _place(issue: Mapping[str, Any]) -> str:
    """Where the issue is, by `expression` or else the older `location`."""
    said = (*texts(issue, "expression"), *texts(issue, "location"))
    return next((path for path in map(known_path, said) if path), "")


def _texts(issues: list[dict[str, Any]]) -> Iterator[str]:
    for issue in issues:
        yield text(issue, "diagnostics")[:_READ]
        yield text(issue, "details", "text")[:_READ]
