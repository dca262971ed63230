"""Rows that concern nobody the bridge serves: ordinary entries, referrals elsewhere, problems, diaries."""

from datetime import date
from random import Random

from bridge.simulators import emis_coding
from bridge.simulators.emis_surroundings import Practice
from bridge.simulators.emis_tables import Extract

_CHANCES = 256  # how many different sets of patient and code are drawn; the rest repeats them
_TEXT = 'Seen in passing, "feels well"; no change,\r\nreview as needed'


class Noise:
    """Writes ordinary observations as fast as the disk takes them, and with every few a row elsewhere."""

    def __init__(
        self, extract: Extract, practice: Practice, pool: list[str], *, seed: int, number: int, entered: date
    ) -> None:
        self._extract = extract
        self._columns = extract.headers["CareRecord_Observation"]
        self._prefix = f"{{{seed % 16**8:08X}-{number:04X}-4000-8000-"
        self._made = 0
        dice = Random(f"{seed}/{number}")
        self._templates = [
            self._template(practice, dice, pool, entered) for _ in range(_CHANCES if pool else 0)
        ]

    def write(self, rows: int) -> None:
        """Write so many more CareRecord_Observation rows; none when the practice has no patients."""
        if not self._templates:
            return
        for n in range(self._made, self._made + rows):
            cells = self._templates[n % _CHANCES].copy()
            cells[0] = f"{self._prefix}{n:012X}}}"
            self._extract.cells("CareRecord_Observation", cells)
            if n % 40 == 0:
                self._beside(n, cells)
        self._made += rows

    def _template(self, practice: Practice, dice: Random, pool: list[str], entered: date) -> list[str]:
        code = dice.choice(emis_coding.ORDINARY)
        values = {
            "PatientGuid": dice.choice(pool),
            "OrganisationGuid": practice.guid,
            "EffectiveDate": entered.isoformat(),
            "EffectiveDatePrecision": dice.choice(("YMD", "YMD", "YM", "YMDT")),
            "EnteredDate": entered.isoformat(),
            "EnteredTime": "00:00:00",
            "ClinicianUserInRoleGuid": practice.gp,
            "EnteredByUserInRoleGuid": practice.gp,
            "CodeId": code.code_id,
            "AssociatedText": dice.choice(("", "", "", _TEXT)),
            "ObservationType": "Observation",
            "Deleted": "false",
            "IsConfidential": dice.choice(("false", "false", "true")),
        }
        return [values.get(column, "") for column in self._columns]

    def _beside(self, n: int, cells: list[str]) -> None:
        """A referral elsewhere (with its Observation), a problem, or a diary entry, in turn."""
        entry = dict(zip(self._columns, cells, strict=True))
        turn = n // 40 % 3
        if turn == 0:
            code = emis_coding.ELSEWHERE[n // 120 % len(emis_coding.ELSEWHERE)]
            entry |= {"ObservationGuid": cells[0].replace("-4000-", "-4001-"), "CodeId": code.code_id}
            self._extract.row("CareRecord_Observation", entry)
            self._extract.row("CareRecord_ObservationReferral", entry | {"ReferralUrgency": "Routine"})
        elif turn == 1:
            self._extract.row("CareRecord_Problem", entry | {"ProblemStatusDescription": "Active Problem"})
        else:
            diary = {"DiaryGuid": entry["ObservationGuid"], "OriginalTerm": "Review due", "IsActive": "true"}
            self._extract.row("CareRecord_Diary", entry | diary)
