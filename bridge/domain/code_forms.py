"""The one form in which a code is kept, by its code system, and the names of what can be wrong with it.

A code is text from end to end and is never mended: what a spreadsheet has done to one is named. Read codes
are case sensitive: 918A. is a carer, 918a. the carer of a person with substance misuse (gm, see `codes`).
Read v2 and CTV3 share a shape and not their meanings, so only the source can tell those two apart.
"""

import re
from collections.abc import Callable

from bridge.domain import systems
from bridge.domain.codes import SctId, problem_of
from bridge.domain.referral import Coding, Concept

_BYTES = 5  # of a Read v2 or CTV3 code, filled up with dots
_FIVE = re.compile(r"(?=.{5}\Z)[A-Za-z0-9]+\.*")
_WITH_TERM = re.compile(r"(?=.{7}\Z)[A-Za-z0-9]+\.*[A-Za-z0-9]{2}")  # Read v2: the two name one of its terms
_SHORT = re.compile(r"[A-Za-z0-9]+\.*")
_EXPONENT = re.compile(r"\d([.,]\d+)?[eE][+-]\d+", re.ASCII)  # 12E34 alone may be a code
_CTV3_FIRST = "XY"  # no Read v2 code begins so; Y is for local codes, of which TPP's are the known ones
_EMIS = re.compile(r"\^?[A-Za-z0-9_]+")
_EMIS_NAMESPACE = "1000006"  # SNOMED CT in form, without a national meaning
_NATIONAL = (
    "https://fhir.nhs.uk/",
    "https://fhir.hl7.org.uk/",
    "http://terminology.hl7.org/",
    "http://hl7.org/",
)


def coding_of(system: str, code: str, *, display: str = "", tpp: str = "") -> Coding:
    """The coding as it is kept; ValueError, whose text is a problem code, says why it cannot be.

    A local code of TPP is none of national CTV3: it stands under `tpp`, the URI a site has for those, or
    under no system. A system that is not known here keeps its codes as they are.
    """
    if system == systems.CTV3 and is_tpp_local(code):
        return Coding(system=tpp, code=code, display=display)
    form = _FORMS.get(system)
    return Coding(system=system, code=form(code) if form else code, display=display)


def is_tpp_local(code: str) -> bool:
    """Whether it has the shape of CTV3 and begins with Y, as the local codes of SystmOne do."""
    return code[:1] == "Y" and _FIVE.fullmatch(code) is not None


def read_v2(code: str) -> str:
    """A Read v2 code in its five characters: `8T09.00` is `8T09.`; ValueError names what is wrong with it."""
    if _WITH_TERM.fullmatch(code):
        code = code[:_BYTES]
    if problem := _read_problem(code):
        raise ValueError(problem)
    if code[0] in _CTV3_FIRST:
        raise ValueError("ctv3-as-read-v2")
    return code


def ctv3(code: str) -> str:
    """A CTV3 code of five characters; ValueError names what is wrong with it."""
    if _WITH_TERM.fullmatch(code):
        raise ValueError("read-v2-as-ctv3")
    if problem := _read_problem(code):
        raise ValueError(problem)
    return code


def _read_problem(code: str) -> str:
    if _FIVE.fullmatch(code):
        return ""
    if _EXPONENT.fullmatch(code):
        return "read-code-exponent"
    return "read-code-cut" if len(code) < _BYTES and _SHORT.fullmatch(code) else "read-code-shape"


def _snomed(code: str) -> str:
    if problem := problem_of(code):
        raise ValueError(problem)
    return code


def _emis_local(code: str) -> str:
    """EMISNQRE582, ^ESCTRE651604: there is no check digit and no list of them."""
    if not _EMIS.fullmatch(code):
        raise ValueError("emis-local-exponent" if _EXPONENT.fullmatch(code) else "emis-local-shape")
    return code


_FORMS: dict[str, Callable[[str], str]] = {
    systems.SNOMED: _snomed,
    systems.READ_V2: read_v2,
    systems.CTV3: ctv3,
    systems.EMIS_LOCAL: _emis_local,
}


def is_unmapped(meaning: Concept) -> bool:
    """Whether all its codes are of its source alone, or retired: a receiver elsewhere knows none of them."""
    return bool(meaning.codings) and not any(map(_is_national, meaning.codings))


def _is_national(held: Coding) -> bool:
    if held.system == systems.SNOMED:
        return SctId.parse(held.code).namespace != _EMIS_NAMESPACE
    return held.system.startswith(_NATIONAL) and held.system != systems.EMIS_LOCAL
