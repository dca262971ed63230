"""Two localities side by side: one practice and one service each, and nothing in common."""

SCHEME = """
name = "{name}"
version = "1"
title = "A locality"
history_days = 365
triggers = ["871731000000106"]
[service]
name = "{service}"
title = "Test Social Prescribing Service"
endpoint = "{service_url}/fhir"
ods = "{service_ods}"
[[records]]
name = "record-{service}"
endpoint = "{record_url}/fhir"
{practices}
[risk_contact]
name = "Duty clinician"
telephone = "01632 960000"
[disclosure]
direct-care = ["name", "birth-date", "gender", "nhs-number", "address", "phone", "reason", "reason-text",
  "priority", "requester", "practice", "identifiers", "safe-contact", "note", "risks", "requirements",
  "language", "email", "ethnicity", "consent", "preferred-name"]
[[write_back]]
on = "closed"
code = "1362721000000106"
display = "Social prescribing case closed"
signed_off_by = "Dr Example"
signed_off_on = 2026-01-01
[[write_back]]
on = "measure"
code = "718466001"
display = "SWEMWBS (Short Warwick-Edinburgh Mental Well-being Scale) score"
signed_off_by = "Dr Example"
signed_off_on = 2026-01-01
"""
PRACTICE = """
[[practices]]
ods = "{ods}"
mode = "live"
live_from = 2020-01-01
record = "record-{service}"
"""


def a_scheme(
    name: str, service: str, *practices: str, service_url: str, record_url: str, service_ods: str = "Z9999"
) -> str:
    """The text of a scheme file."""
    return SCHEME.format(
        name=name,
        service=service,
        service_ods=service_ods,
        service_url=service_url,
        record_url=record_url,
        practices="".join(PRACTICE.format(ods=ods, service=service) for ods in practices),
    )
