"""People and organisations of a message, as the domain holds them.

Accepts UK Core, BaRS (older code systems, the person's own numbers under contact) and PDS. A doubtful NHS
number or birth date makes the message unusable: wrong patient is worse than no patient.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.domain import systems
from bridge.domain.dates import Said, fhir_date
from bridge.domain.identifiers import NhsNumber, OdsCode
from bridge.domain.referral import Address, Organisation, Patient, Requester, Telecom
from bridge.fhir.findings import Findings
from bridge.fhir.meanings import Meanings
from bridge.fhir.references import Message
from bridge.fhir.required_codes import REQUIRED_CODES
from bridge.fhir.trees import (
    EMPTY,
    Tree,
    codings,
    extension,
    has_code,
    labels,
    placed,
    text,
    texts,
    tree_at,
    trees,
)
from bridge.fhir.vocabulary import (
    ACT_REASON,
    ETHNIC_CATEGORIES,
    ETHNIC_CATEGORY_EXTENSION,
    INTERPRETER_EXTENSION,
    NHS_COMMUNICATION_EXTENSION,
    NHS_NUMBER_STATUS_EXTENSION,
    NHS_NUMBER_STATUSES,
    ROLE_CODE,
)
from bridge.fhir.wall_clock import date_time

_STATUS_OF_WORD: Final = {word: code for code, (word, _) in NHS_NUMBER_STATUSES.items()}
_NAME_ORDER: Final = (
    "official",
    "",
    "usual",
    "temp",
)  # old, maiden, anonymous and nicknames are not the name
_PREFERRED: Final = ("usual", "nickname")
_LANGUAGES: Final = (systems.BCP_47, systems.HUMAN_LANGUAGE_RETIRED)


@dataclass(frozen=True, slots=True)
class People:
    """Reads the people of one message."""

    message: Message
    meanings: Meanings
    findings: Findings

    def nhs_number(self, tree: Tree, at: str) -> tuple[NhsNumber | None, str]:
        """NHS number and verification status among the identifiers of a Patient or of one Reference.

        A number marked as old is the person's no more; two that differ leave open who is meant.
        """
        found: list[tuple[NhsNumber, str]] = []
        for place, held in placed(tree, "identifier", at):
            value, use = text(held, "value"), text(held, "use")
            system = self.meanings.aliases.system(text(held, "system"))
            if system != systems.NHS_NUMBER or use == "old" or not value:
                continue
            try:
                found.append((NhsNumber.parse(value), _verification(held)))
            except ValueError as error:
                self.findings.refuse(str(error), f"{place}.value", value=value, target="patient.nhs_number")
        if len({number for number, _ in found}) > 1:
            self.findings.refuse("value-not-single", f"{at}.identifier", target="patient.nhs_number")
            return None, ""
        return next(iter(found), (None, ""))

    def patient(self, tree: Tree, at: str) -> Patient:
        """The domain's Patient."""
        number, status = self.nhs_number(tree, at)
        family, given, prefix, preferred = _names(tree)
        return Patient(
            nhs_number=number,
            nhs_number_status=status,
            local_key=self._local_key(tree, at),
            family=family,
            given=given,
            prefix=prefix,
            preferred_name=preferred,
            birth_date=self._date(tree, "birthDate", at, lambda value: Said(text=fhir_date(value))),
            gender=self._gender(tree, at),
            address=_address(tree),
            telecoms=tuple(_telecoms(tree)),
            language=_language(tree),
            interpreter_required=_interpreter(tree),
            ethnicity=self._ethnicity(tree, at),
            deceased=self._deceased(tree, at),
            deceased_on=self._date(tree, "deceasedDateTime", at, date_time),
            test=(ACT_REASON, "HTEST") in labels(tree),
        )

    def _local_key(self, tree: Tree, at: str) -> str:
        """The first identifier that is no NHS number, with its system."""
        held = (self.meanings.identifier(i) for i in trees(tree, "identifier"))
        others = (i for i in held if i and i.system != systems.NHS_NUMBER)
        found = next(others, None)
        if found is None or not self.meanings.is_key(found, f"{at}.identifier"):
            return ""
        return f"{found.system}|{found.value}"

    def _deceased(self, tree: Tree, at: str) -> bool:
        """A flag that is neither true nor false is refused: nobody is taken to live by it."""
        flag = tree.get("deceasedBoolean", False)
        if not isinstance(flag, bool):
            self.findings.refuse("fhir-value", f"{at}.deceasedBoolean", target="patient.deceased")
        return flag is True or bool(text(tree, "deceasedDateTime"))

    def _date(self, tree: Tree, name: str, at: str, parse: Callable[[str], Said]) -> str:
        value = text(tree, name)
        try:
            said = parse(value) if value else Said()
        except ValueError as error:
            self.findings.refuse(str(error), f"{at}.{name}", value=value)
            return ""
        if said.warning:
            self.findings.warn(said.warning, f"{at}.{name}", value=value)
        return said.text

    def _gender(self, tree: Tree, at: str) -> str:
        value = text(tree, "gender")
        if value and value not in REQUIRED_CODES["Patient.gender"]:
            self.findings.warn("fhir-code", f"{at}.gender", value=value, target="patient.gender")
            return ""
        return value

    def _ethnicity(self, tree: Tree, at: str) -> str:
        held = codings(tree_at(extension(tree, ETHNIC_CATEGORY_EXTENSION), "valueCodeableConcept"))
        told = [c for s, c in held if s in (systems.ETHNIC_CATEGORY, systems.ETHNIC_CATEGORY_RETIRED)]
        code = next((c for c in told if c in ETHNIC_CATEGORIES), "")
        if held and not code:
            self.findings.warn("fhir-code", f"{at}.extension", target="patient.ethnicity")
        return code

    def organisation(self, reference: Tree, owner: Tree, at: str) -> Organisation:
        """The organisation a Reference leads to, or names by identifier or in words."""
        found = self.message.follow(reference, owner)
        named = found if text(found, "resourceType") == "Organization" else EMPTY
        held = [*trees(named, "identifier"), *trees(reference, "identifier")]
        name = text(named, "name") or ("" if found else text(reference, "display"))
        return Organisation(ods=self._ods(held, at), name=name)

    def _ods(self, identifiers: list[Tree] | list[dict[str, object]], at: str) -> OdsCode | None:
        for held in identifiers:
            if self.meanings.aliases.system(text(held, "system")) not in (
                systems.ODS_ORGANISATION,
                systems.ODS_SITE,
            ):
                continue
            try:
                return OdsCode.parse(text(held, "value"))
            except ValueError as error:
                self.findings.warn(str(error), at, value=text(held, "value"))
        return None

    def requester(self, reference: Tree, owner: Tree, at: str) -> Requester:
        """Who asked: a PractitionerRole, a Practitioner (with the role that names them), an Organization."""
        found = self.message.follow(reference, owner)
        kind = text(found, "resourceType") or text(reference, "type")
        if kind == "Organization":
            return Requester(organisation=self.organisation(reference, owner, at))
        role = found if kind == "PractitionerRole" else self._role_of(found)
        person = self.message.follow(tree_at(role, "practitioner"), owner) if role else EMPTY
        person = person or (found if kind == "Practitioner" else EMPTY)
        identified = next(iter(trees(person, "identifier")), None) or tree_at(reference, "identifier")
        return Requester(
            name=_person_name(person) or text(reference, "display"),
            role=_role_name(role),
            identifier=self.meanings.identifier(identified),
            organisation=self.organisation(tree_at(role, "organization"), owner, at),
            telecoms=tuple(_contact_points([*trees(role, "telecom"), *trees(person, "telecom")])),
        )

    def _role_of(self, person: Tree) -> Tree:
        """The one PractitionerRole of the message that names this person."""
        if not person:
            return EMPTY
        roles = (e.resource for e in self.message.all("PractitionerRole"))
        named = [r for r in roles if self.message.follow(tree_at(r, "practitioner"), r) is person]
        return named[0] if len(named) == 1 else EMPTY


def _verification(identifier: Tree) -> str:
    """The Data Dictionary code 01 to 08, also from the retired systems' words and digits."""
    said = codings(tree_at(extension(identifier, NHS_NUMBER_STATUS_EXTENSION), "valueCodeableConcept"))
    codes = (_STATUS_OF_WORD.get(code, code) for _, code in said)
    return next((code for code in codes if code in NHS_NUMBER_STATUSES), "")


def _names(tree: Tree) -> tuple[str, tuple[str, ...], str, str]:
    """Family, given, prefix and preferred name."""
    held = {text(n, "use"): n for n in reversed(trees(tree, "name"))}
    name = next((held[use] for use in _NAME_ORDER if use in held), EMPTY)
    others = (held[use] for use in _PREFERRED if use in held and held[use] is not name)
    preferred = next((words for n in others if (words := _name_text(n))), "")
    family, given = text(name, "family"), texts(name, "given")
    if not (family or given):
        preferred = preferred or text(name, "text")  # a whole name is never taken apart
    return family, given, " ".join(texts(name, "prefix")), preferred


def _name_text(name: Tree) -> str:
    return text(name, "text") or " ".join((*texts(name, "given"), text(name, "family"))).strip()


def _person_name(person: Tree) -> str:
    name = next(iter(trees(person, "name")), EMPTY)
    return text(name, "text") or " ".join((*texts(name, "prefix"), _name_text(name))).strip()


def _role_name(role: Tree) -> str:
    for concept in (*trees(role, "code"), *trees(role, "specialty")):
        displays = (text(c, "display") for c in trees(concept, "coding"))
        if words := text(concept, "text") or next((d for d in displays if d), ""):
            return words
    return ""


def _address(tree: Tree) -> Address | None:
    """The home address, else one that does not say, else a temporary one; never an old one."""
    held = {text(a, "use"): a for a in reversed(trees(tree, "address"))}
    found = next((held[use] for use in ("home", "", "temp") if use in held), None)
    if found is None:
        return None
    lines = texts(found, "line") or tuple(words for words in (text(found, "text"),) if words)
    return Address(
        lines=lines,
        town=text(found, "city"),
        county=text(found, "district") or text(found, "state"),
        postcode=text(found, "postalCode"),
        use=text(found, "use"),
    )


def _telecoms(tree: Tree) -> Iterator[Telecom]:
    yield from _contact_points(trees(tree, "telecom"))
    for contact in trees(tree, "contact"):  # BaRS lists the person's own numbers as a contact ONESELF
        if has_code(trees(contact, "relationship"), (ROLE_CODE,), "ONESELF"):
            yield from _contact_points(trees(contact, "telecom"))


def _contact_points(held: tuple[dict[str, object], ...] | list[dict[str, object]]) -> Iterator[Telecom]:
    ranked = sorted(held, key=_rank)
    for point in ranked:
        system, value, use = text(point, "system"), text(point, "value"), text(point, "use")
        if system in ("phone", "email", "sms") and value and use != "old":
            yield Telecom(system=system, value=value, use=use)


def _rank(point: Tree) -> int:
    rank = point.get("rank")
    return rank if isinstance(rank, int) and rank > 0 else 1000


def _language(tree: Tree) -> str:
    """The preferred language, else the first."""
    spoken = [tree_at(c, "language") for c in sorted(trees(tree, "communication"), key=_not_preferred)]
    spoken += [_communication_part(tree, "language", "valueCodeableConcept")]
    return next((code for s in spoken for system, code in codings(s) if system in _LANGUAGES), "")


def _not_preferred(communication: Tree) -> bool:
    return communication.get("preferred") is not True


def _interpreter(tree: Tree) -> bool | None:
    said = extension(tree, INTERPRETER_EXTENSION).get("valueBoolean")
    if said is None:
        retired = extension(tree, NHS_COMMUNICATION_EXTENSION)
        said = extension(retired, "interpreterRequired").get("valueBoolean")
    return said if isinstance(said, bool) else None


def _communication_part(tree: Tree, url: str, value: str) -> Tree:
    return tree_at(extension(extension(tree, NHS_COMMUNICATION_EXTENSION), url), value)
