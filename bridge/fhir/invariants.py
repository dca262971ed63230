"""The R4 invariants of the types we write or read, as a table (http://hl7.org/fhir/R4, "Constraints").

Published ones that can never fire (ppc-2 to ppc-5) are replaced by what they meant; best-practice warnings
are left out. Each rule reads one object only, so a whole message is checked in linear time.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from bridge.domain.dates import compare
from bridge.errors import Problem
from bridge.fhir.trees import Tree, codings, text, tree_at, trees

# RFC 4122 as http://hl7.org/fhir/R4/datatypes.html#uuid wants it
_URN: Final = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Invariant:
    """A rule of one type: `holds` is true when the object keeps it."""

    name: str
    meaning: str
    holds: Callable[[Tree], bool]


def broken(tree: Tree, kind: str, at: str) -> Iterator[Problem]:
    """The invariants of `kind` that this object breaks."""
    for rule in INVARIANTS.get(kind, ()):
        if not rule.holds(tree):
            yield Problem(code="fhir-invariant", at=at, rule=f"{rule.name}: {rule.meaning}")


def _some(*names: str) -> Callable[[Tree], bool]:
    return lambda tree: any(tree.get(name) for name in names)


def _needs(name: str, other: str) -> Callable[[Tree], bool]:
    return lambda tree: not tree.get(name) or bool(tree.get(other))


def _not_both(name: str, other: str) -> Callable[[Tree], bool]:
    return lambda tree: not (tree.get(name) and tree.get(other))


def _in_order(first: str, second: str) -> Callable[[Tree], bool]:
    """True unless both are dates and `first` is surely later."""

    def holds(tree: Tree) -> bool:
        earlier, later = text(tree, first), text(tree, second)
        try:
            return not (earlier and later) or compare(earlier, later) != 1
        except ValueError:
            return True  # the dates themselves are reported

    return holds


def _not_at_home(name: str) -> Callable[[Tree], bool]:
    return lambda tree: all(text(t, "use") != "home" for t in trees(tree, name))


def _value_of(tree: Tree) -> Any:
    return next((v for k, v in tree.items() if k.startswith("value")), None)


def _no_value_if_component_repeats_code(tree: Tree) -> bool:
    own = set(codings(tree_at(tree, "code")))
    parts = (set(codings(tree_at(c, "code"))) for c in trees(tree, "component"))
    return _value_of(tree) is None or not any(own & part for part in parts)


def _no_value_if_absent(tree: Tree) -> bool:
    return not tree.get("dataAbsentReason") or _value_of(tree) is None


def _extension_has_one_content(tree: Tree) -> bool:
    return bool(tree.get("extension")) != (_value_of(tree) is not None)


def _no_verification_slip(tree: Tree) -> bool:
    slipped = any(c == "entered-in-error" for _, c in codings(tree_at(tree, "verificationStatus")))
    return not (slipped and tree.get("clinicalStatus"))


def _bundle_type(*types: str) -> Callable[[Tree], bool]:
    return lambda tree: text(tree, "type") in types


def _entries_only_if(name: str, *types: str) -> Callable[[Tree], bool]:
    return lambda tree: text(tree, "type") in types or not any(e.get(name) for e in trees(tree, "entry"))


def _entries_all_if(name: str, *types: str) -> Callable[[Tree], bool]:
    return lambda tree: text(tree, "type") not in types or all(e.get(name) for e in trees(tree, "entry"))


def _full_urls_differ(tree: Tree) -> bool:
    seen = [(text(e, "fullUrl"), text(e, "resource", "meta", "versionId")) for e in trees(tree, "entry")]
    named = [key for key in seen if key[0]]
    return text(tree, "type") == "history" or len(named) == len(set(named))


def _header_first(tree: Tree) -> bool:
    first = next(iter(trees(tree, "entry")), {})
    return text(tree, "type") != "message" or text(first, "resource", "resourceType") == "MessageHeader"


def _is_urn(full_url: str) -> bool:
    return not full_url.startswith("urn:uuid:") or bool(_URN.fullmatch(full_url))


_ASKS = ("batch", "transaction", "history")
_ANSWERS = ("batch-response", "transaction-response", "history")

INVARIANTS: Final[dict[str, tuple[Invariant, ...]]] = {
    "Bundle": (
        Invariant(
            "bdl-1",
            "only a search or a history has a total",
            lambda t: t.get("total") is None or _bundle_type("searchset", "history")(t),
        ),
        Invariant("bdl-2", "only a search has entry.search", _entries_only_if("search", "searchset")),
        Invariant(
            "bdl-3",
            "entry.request is for batch, transaction and history only",
            _entries_only_if("request", *_ASKS),
        ),
        Invariant("bdl-3", "each entry of a transaction has a request", _entries_all_if("request", *_ASKS)),
        Invariant(
            "bdl-4", "entry.response is for answers and history only", _entries_only_if("response", *_ANSWERS)
        ),
        Invariant("bdl-4", "each entry of an answer has a response", _entries_all_if("response", *_ANSWERS)),
        Invariant("bdl-7", "a fullUrl stands once", _full_urls_differ),
        Invariant("bdl-12", "a message starts with its MessageHeader", _header_first),
    ),
    "BundleEntry": (
        Invariant("bdl-5", "an entry holds something", _some("resource", "request", "response")),
        Invariant("bdl-8", "a fullUrl names no version", lambda t: "/_history/" not in text(t, "fullUrl")),
        Invariant("urn", "a urn:uuid is a UUID in lower case", lambda t: _is_urn(text(t, "fullUrl"))),
    ),
    "CarePlanActivity": (
        Invariant("cpl-3", "detail or reference, not both", _not_both("detail", "reference")),
    ),
    "Condition": (
        Invariant("con-5", "nothing entered in error has a clinical status", _no_verification_slip),
    ),
    "Consent": (
        Invariant("ppc-1", "a policy or a policy rule", _some("policy", "policyRule")),
        Invariant("ppc-2", "a consent about privacy names the patient", _some("patient")),
    ),
    "ContactPoint": (Invariant("cpt-2", "a value has a system", _needs("value", "system")),),
    "Extension": (Invariant("ext-1", "a value or extensions, not both", _extension_has_one_content),),
    "Observation": (
        Invariant("obs-6", "no reason for absence beside a value", _no_value_if_absent),
        Invariant(
            "obs-7", "no value where a component repeats the code", _no_value_if_component_repeats_code
        ),
    ),
    "ObservationComponent": (
        Invariant("obs-6", "no reason for absence beside a value", _no_value_if_absent),
    ),
    "ObservationReferenceRange": (
        Invariant("obs-3", "a low, a high or a text", _some("low", "high", "text")),
    ),
    "Organization": (
        Invariant("org-1", "an identifier or a name", _some("identifier", "name")),
        Invariant("org-2", "no address of use home", _not_at_home("address")),
        Invariant("org-3", "no telecom of use home", _not_at_home("telecom")),
    ),
    "PatientContact": (
        Invariant(
            "pat-1",
            "a contact has a name, telecom, address or organization",
            _some("name", "telecom", "address", "organization"),
        ),
    ),
    "Period": (Invariant("per-1", "the start is not after the end", _in_order("start", "end")),),
    "Quantity": (Invariant("qty-3", "a unit code has a system", _needs("code", "system")),),
    "QuestionnaireResponseItem": (
        Invariant("qrs-1", "answers or items, not both", _not_both("answer", "item")),
    ),
    "ServiceRequest": (Invariant("prr-1", "an order detail has a code", _needs("orderDetail", "code")),),
    "Task": (
        Invariant("inv-1", "not changed before it was written", _in_order("authoredOn", "lastModified")),
    ),
}
