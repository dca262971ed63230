"""The members of an enumeration with the words beside them in the source."""

import inspect
import re
from enum import StrEnum

MEMBER = re.compile(r'^    [A-Z_0-9]+ = "(?P<value>[^"]+)"(?:  # (?!noqa)(?P<words>.*))?$', re.MULTILINE)


def words_of(kind: type[StrEnum]) -> dict[str, str]:
    """What each value means, by value; "" where the source says nothing."""
    told = {m["value"]: m["words"] or "" for m in MEMBER.finditer(inspect.getsource(kind))}
    return {member.value: told.get(member.value, "") for member in kind}
