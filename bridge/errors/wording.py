"""What a model of ours wants of a value, in our words: the texts of pydantic never reach a person.

A detail is one entry of `ValidationError.errors()`: its type and, under `ctx`, the bound that was missed.
Types are those of https://docs.pydantic.dev/latest/errors/validation_errors/.
"""

from collections.abc import Mapping
from typing import Any, Final

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
}


def rule_of(detail: Mapping[str, Any]) -> str:
    """What was wanted, value-free; the words of our own validators as they are."""
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if detail["type"] in ("value_error", "assertion_error"):
        return str(context.get("error", "not usable"))
    words = _WORDS.get(str(detail["type"]))
    return words.format_map(context) if words else f"not usable ({detail['type']})"
