"""What a model of ours wants of a value, in our words: the texts of pydantic never reach a person.

A detail is one entry of `ValidationError.errors()`: its type and, under `ctx`, the bound that was missed.
Types are those of https://docs.pydantic.dev/latest/errors/validation_errors/.
"""

from collections.abc import Mapping
from typing import Any, Final

from bridge.errors.catalogue import meaning

_WORDS: Final[Mapping[str, str]] = {
    "missing": "it has to be there",
    "extra_forbidden": "there is no such key",
    "string_type": "a text",
    "string_too_short": "a text of at least {min_length} characters",
    "string_too_long": "a text of at most {max_length} characters",
    "string_pattern_mismatch": "a text of the form {pattern}",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a number",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "literal_error": "one of {expected}",
    "enum": "one of {expected}",
    "list_type": "a list",
    "tuple_type": "a list",
    "frozen_set_type": "a list",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "mapping_type": "a table",
    "date_type": "a date such as 2027-10-31",
    "date_parsing": "a date such as 2027-10-31",
    "date_from_datetime_parsing": "a date such as 2027-10-31",
    "date_from_datetime_inexact": "a date such as 2027-10-31",
    "path_type": "a path",
    "invalid_key": "a text as the name of each key",
    "int_parsing_size": "a whole number",
    "string_unicode": "a text",
    "time_type": "a time such as 08:30",
    "time_parsing": "a time such as 08:30",
    "datetime_type": "a date and time such as 2027-10-31T08:30:00Z",
    "datetime_parsing": "a date and time such as 2027-10-31T08:30:00Z",
    "datetime_from_date_parsing": "a date and time such as 2027-10-31T08:30:00Z",
    "timezone_aware": "a time with its offset",
    "set_type": "a list",
}
# Where the bound is one, "at least 1 characters" is no English.
_ONE: Final[Mapping[str, str]] = {
    "string_too_short": "a text that is not empty",
    "string_too_long": "a single character",
    "too_short": "at least one of them",
    "too_long": "at most one of them",
}


def rule_of(detail: Mapping[str, Any]) -> str:
    """What was wanted, value-free; what our own validators say, a problem code in its words."""
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if detail["type"] in ("value_error", "assertion_error"):
        return meaning(str(context.get("error", "not usable")))[0]
    kind = str(detail["type"])
    if kind in _ONE and 1 in (context.get("min_length"), context.get("max_length")):
        return _ONE[kind]
    return _WORDS.get(kind, "another kind of value").format_map(context)
