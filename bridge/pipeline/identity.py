"""Whether two tellings are about one person, as far as they say it."""

from bridge.domain.referral import Referral


def same_person(left: Referral, right: Referral) -> bool:
    """Where both say it, date of birth and family name agree."""
    born = left.patient.birth_date, right.patient.birth_date
    named = left.patient.family.casefold(), right.patient.family.casefold()
    return all(a == b or not a or not b for a, b in (born, named))


def number_came_or_went(left: Referral, right: Referral) -> bool:
    """The same person by the practice's own key, whose NHS number only one of the two says."""
    one, other = left.patient, right.patient
    at_home = left.practice.ods is not None and left.practice.ods == right.practice.ods
    by_key = at_home and bool(one.local_key) and one.local_key == other.local_key
    return by_key and (one.nhs_number is None) != (other.nhs_number is None) and same_person(left, right)
