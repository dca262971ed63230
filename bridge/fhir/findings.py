"""What is noticed while a message is read: problems stop an event, warnings do not."""

from dataclasses import dataclass, field

from bridge.errors import Problem, shape


@dataclass(slots=True)
class Findings:
    """Problems and warnings in the order they were met; of a value only its shape is kept."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)

    def refuse(self, code: str, at: str, *, value: str = "", target: str = "") -> None:
        """Note something that makes the message unusable."""
        self.problems.append(Problem(code=code, at=at, target=target, shape=shape(value)))

    def warn(self, code: str, at: str, *, value: str = "", target: str = "") -> None:
        """Note something that is left out or odd."""
        self.warnings.append(Problem(code=code, at=at, target=target, shape=shape(value)))
