"""What the Consents around a request say: whether it was given, how far it reaches, and whom it names."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from bridge.domain import systems
from bridge.domain.referral import UNNAMED, Consent, ConsentScope
from bridge.fhir.trees import Json, Tree, codings, text, tree_at, trees

_OF_STATUS: Final = {"rejected": Consent.REFUSED, "inactive": Consent.WITHDRAWN}
_IMPLIED: Final = "IMPLIED"  # lawful for direct care, but nobody said anything
_DIRECT_CARE: Final = (
    "DRC"  # consent-categories-bars, under whatever name: the narrower reading is the safe one
)
_ODS: Final = (systems.ODS_ORGANISATION, systems.ODS_SITE)
_CAUTIOUS: Final = (Consent.REFUSED, Consent.WITHDRAWN, Consent.GIVEN)


def consent_of(
    found: Iterable[Json], follow: Callable[[Tree], Tree]
) -> tuple[Consent, ConsentScope, tuple[str, ...]]:
    """The most cautious of what they say; scope and named recipients are those of what was given.

    `follow` gives the resource that a Reference leads to in the message, or an empty one.
    """
    said = [(_said(each), each) for each in found]
    consent = next((c for c in _CAUTIOUS if any(c is one for one, _ in said)), Consent.NOT_SAID)
    if consent is not Consent.GIVEN:
        return consent, ConsentScope.NOT_SAID, ()
    given = [(_scope(each), each) for one, each in said if one is Consent.GIVEN]
    for scope in (ConsentScope.BROADER, ConsentScope.DIRECT_CARE):
        reaching = [each for reach, each in given if reach is scope]
        if reaching:
            return consent, scope, _recipients(reaching, follow)
    return consent, ConsentScope.NOT_SAID, ()


def _said(consent: Tree) -> Consent:
    status = text(consent, "status")
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    rules = {code for _, code in codings(tree_at(consent, "policyRule"))}
    denied = any(text(provision, "type") == "deny" for provision in _provisions(consent))
    if denied or "OPTOUT" in rules:
        return Consent.REFUSED
    return Consent.GIVEN if status == "active" and _IMPLIED not in rules else Consent.NOT_SAID


def _scope(consent: Tree) -> ConsentScope:
    """Direct care where a category says so; broader needs the scope patient-privacy and no such category."""
    categories = {code for category in trees(consent, "category") for _, code in codings(category)}
    if _DIRECT_CARE in categories:
        return ConsentScope.DIRECT_CARE
    privacy = (systems.CONSENT_SCOPE, "patient-privacy") in codings(tree_at(consent, "scope"))
    return ConsentScope.BROADER if privacy else ConsentScope.NOT_SAID


def _provisions(consent: Tree) -> Iterator[Tree]:
    """Every rule of a Consent, also those inside another."""
    for provision in trees(consent, "provision"):
        yield provision
        yield from _provisions(provision)


def _recipients(given: Iterable[Json], follow: Callable[[Tree], Tree]) -> tuple[str, ...]:
    """Every actor that is named, by ODS code or else by its first identifier."""
    actors = (
        tree_at(actor, "reference")
        for consent in given
        for provision in _provisions(consent)
        for actor in trees(provision, "actor")
    )
    return tuple(sorted({_name(reference, follow(reference)) for reference in actors}))


def _name(reference: Tree, found: Tree) -> str:
    held = [*trees(reference, "identifier"), *trees(found, "identifier")]
    ods = [each for each in held if systems.canonical_system(text(each, "system")) in _ODS]
    return next((value for each in (*ods, *held) if (value := text(each, "value"))), UNNAMED)
