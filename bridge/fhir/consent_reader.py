"""What the Consents around a request say: whether it was given, how far it reaches, and whom it names."""

from collections.abc import Iterable
from typing import Final

from bridge.domain import systems
from bridge.domain.referral import Consent, ConsentScope
from bridge.fhir.trees import Json, Tree, codings, text, tree_at, trees

_OF_STATUS: Final = {"rejected": Consent.REFUSED, "inactive": Consent.WITHDRAWN}
_IMPLIED: Final = "IMPLIED"  # lawful for direct care, but nobody said anything
_DIRECT_CARE: Final = "DRC"  # consent-categories-bars
_CAUTIOUS: Final = (Consent.REFUSED, Consent.WITHDRAWN, Consent.GIVEN)


def consent_of(found: Iterable[Json]) -> tuple[Consent, ConsentScope, tuple[str, ...]]:
    """The most cautious of what they say; scope and named recipients are those of what was given."""
    said = [(_said(each), each) for each in found]
    consent = next((c for c in _CAUTIOUS if any(c is one for one, _ in said)), Consent.NOT_SAID)
    if consent is not Consent.GIVEN:
        return consent, ConsentScope.NOT_SAID, ()
    given = [(_scope(each), each) for one, each in said if one is Consent.GIVEN]
    for scope in (ConsentScope.BROADER, ConsentScope.DIRECT_CARE):
        reaching = [each for reach, each in given if reach is scope]
        if reaching:
            return consent, scope, tuple(sorted({name for each in reaching for name in _recipients(each)}))
    return consent, ConsentScope.NOT_SAID, ()


def _said(consent: Tree) -> Consent:
    status = text(consent, "status")
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    rules = {code for _, code in codings(tree_at(consent, "policyRule"))}
    if text(consent, "provision", "type") == "deny" or "OPTOUT" in rules:
        return Consent.REFUSED
    return Consent.GIVEN if status == "active" and _IMPLIED not in rules else Consent.NOT_SAID


def _scope(consent: Tree) -> ConsentScope:
    """Direct care where a category says so; broader needs the scope patient-privacy and no such category."""
    categories = {code for category in trees(consent, "category") for _, code in codings(category)}
    if _DIRECT_CARE in categories:
        return ConsentScope.DIRECT_CARE
    privacy = (systems.CONSENT_SCOPE, "patient-privacy") in codings(tree_at(consent, "scope"))
    return ConsentScope.BROADER if privacy else ConsentScope.NOT_SAID


def _recipients(consent: Tree) -> Iterable[str]:
    """Every actor a provision names, by identifier; one that is named otherwise is nobody we send to."""
    for actor in trees(tree_at(consent, "provision"), "actor"):
        reference = tree_at(actor, "reference")
        yield text(reference, "identifier", "value") or text(reference, "reference") or "unnamed"
