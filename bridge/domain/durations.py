"""How long something lasts, as people say it."""

SECOND, MINUTE, HOUR, DAY = 1000, 60_000, 3_600_000, 86_400_000  # ms


def span(ms: int | None) -> str:
    """How long something lasts, as people say it."""
    if ms is None:
        return ""
    ms = max(ms, 0)
    for unit, word, inner, small in (
        (DAY, "day", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 0, ""),
    ):
        if ms >= unit:
            whole, rest = divmod(ms, unit)
            name = f"{word}s" if word == "day" and whole > 1 else word
            left = rest // inner if inner else 0
            return f"{whole} {name} {left} {small}".rstrip() if left else f"{whole} {name}"
    return f"{ms // SECOND} s"
