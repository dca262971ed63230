"""What can go wrong, named for what happened.

BridgeError
├ ConfigError          the configuration cannot be used; nothing was started
├ IntakeError          the sender must mend the message; nothing was stored unless `receipt` is set
│ ├ Unreadable         the bytes are not what the door expects
│ ├ Unacceptable       read, but it cannot be used (its problems say why)
│ ├ Conflict           same key and version as before, other content
│ ├ Unauthenticated    nobody we know: no credential, or not a good one
│ ├ Forbidden          the caller may not do this
│ └ NotFound           no such thing, or not for this caller
├ Unavailable          ours: the store is full, locked or away; the sender should try again
│ └ Busy               enough waits here already; the sender should come later
├ NotTold              nobody heard of an alert this way; it is tried again
└ DeliveryError        one attempt failed; see delivery/retry.py
  ├ Refused            the partner read it and said no
  ├ NotThePartner      something answered, but not the partner's FHIR server
  ├ Unauthorised       401 or 403
  ├ Throttled          429 or 503 with a time to wait
  ├ Transient          surely not accepted, worth trying again
  ├ Ambiguous          sent, and no whole answer: look before anything else
  └ Doubtful           looking did not settle it, or the subject is not certain: a person decides

A message names the place and the rule, never a value (promise 7): build it from `Problem`s.
"""

from dataclasses import dataclass
from datetime import timedelta
from itertools import islice

SHAPE_LIMIT = 24


def shape(value: object) -> str:
    """The value-free shape of a value: letters become A, digits 9; cut at 24 characters (`AA999 9AA`)."""
    text = "" if value is None else str(value)
    drawn = "".join(_shape_of(c) for c in islice(text, SHAPE_LIMIT))
    return drawn + ("…" if len(text) > SHAPE_LIMIT else "")


def _shape_of(character: str) -> str:
    if character.isdigit():
        return "9"
    if character.isalpha():
        return "A"
    return character if character in " .-/:+_" else "?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong in one place. `code` is a key of the catalogue in `bridge.errors.catalogue`."""

    code: str
    at: str = ""  # where in the source: "row 12, NhsNumber", "PID-3", "$.patient.nhsNumber"
    target: str = ""  # where it would have gone: "Patient.identifier"
    shape: str = ""  # what the value looked like, never the value
    rule: str = ""  # the rule of the mapping or standard that was broken

    def __str__(self) -> str:
        place = f" at {self.at}" if self.at else ""
        looked = f" (looks like {self.shape!r})" if self.shape else ""
        return f"{self.code}{place}{looked}"


class BridgeError(Exception):
    """Anything the bridge raises on purpose."""

    def __init__(self, message: str = "", *, problems: tuple[Problem, ...] = ()) -> None:
        self.problems = problems
        super().__init__(message or "; ".join(map(str, problems)) or (type(self).__doc__ or ""))


class ConfigError(BridgeError):
    """The configuration cannot be used."""


class IntakeError(BridgeError):
    """The sender must mend the message."""


class Unreadable(IntakeError):
    """The bytes are not what this door expects."""


class Unacceptable(IntakeError):
    """The message was read but cannot be used."""


class Conflict(IntakeError):
    """Same key and version as before with other content."""


class Unauthenticated(IntakeError):
    """No credential was shown, or not a good one."""


class Forbidden(IntakeError):
    """The caller may not do this."""


class NotFound(IntakeError):
    """No such thing, or not for this caller."""


class Unavailable(BridgeError):
    """The bridge cannot keep anything right now; try again."""


class Busy(Unavailable):
    """Enough waits here already; come again later."""


class NotTold(BridgeError):
    """Nobody heard of an alert this way."""


class DeliveryError(BridgeError):
    """One attempt to send failed.

    `code` is a key of the problem catalogue, `status` the HTTP status when there was one, `after` how long
    the partner asked us to wait.
    """

    def __init__(
        self,
        message: str = "",
        *,
        code: str = "",
        status: int | None = None,
        after: timedelta | None = None,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        super().__init__(message, problems=problems)
        self.code = code or (problems[0].code if problems else type(self).__name__.lower())
        self.status = status
        self.after = after


class Refused(DeliveryError):
    """The partner read it and said no."""


class NotThePartner(DeliveryError):
    """Something answered that is not the partner's FHIR server."""


class Unauthorised(DeliveryError):
    """The partner did not accept who we are."""


class Throttled(DeliveryError):
    """The partner asked us to wait."""


class Transient(DeliveryError):
    """It was surely not accepted; another attempt may be."""


class Ambiguous(DeliveryError):
    """It was sent and no whole answer came."""


class Doubtful(DeliveryError):
    """A person must decide; nothing further is sent automatically."""
