"""The page of problem codes, from bridge.errors.catalogue."""

from importlib import import_module
from pkgutil import iter_modules

from bridge.errors import catalogue
from docs.pages.markdown import anchor, code, sentence, table

HEAD = """\
# Problem codes

Every problem the bridge reports has a code, a place and a rule, and never a value of the message.
The code is the same in HTTP answers, acknowledgements, verdict files, the command line, the page and the log.
`bridge parked show` prints the meaning and the next step of a code.

| Part of a problem | What it says |
| --- | --- |
| code | One of the codes below. |
| at | Where in the source: `row 12, NhsNumber`, `PID-3`, `$.patient.nhsNumber`. |
| target | Where it would have gone: `Patient.identifier`. |
| shape | What the value looked like: letters as `A`, digits as `9`, cut at 24 characters. |
| rule | The rule of the mapping or standard that was broken. |

The last column is the `issue.code` of the OperationOutcome
(<http://hl7.org/fhir/R4/valueset-issue-type.html>).

"""


def text() -> str:
    """The page."""
    themes = sorted(module.name for module in iter_modules(catalogue.__path__) if module.name != "entry")
    return HEAD + "".join(map(_theme, themes))


def _theme(name: str) -> str:
    module = import_module(f"{catalogue.__name__}.{name}")
    rows = (
        (anchor(key) + code(key), entry.meaning, entry.next_step, code(entry.fhir))
        for key, entry in sorted(module.ENTRIES.items())
    )
    heading = sentence(module.__doc__).rstrip(".")
    return f"## {heading}\n\n" + table(("Code", "What it means", "What to do", "FHIR"), rows)
