"""How long something lasts, in the two largest units people would name."""

import pytest

from bridge.domain.durations import span

S, M, H, D = 1000, 60_000, 3_600_000, 86_400_000


@pytest.mark.parametrize(
    ("ms", "said"),
    [
        (None, ""),
        (-5, "0 s"),
        (59 * S, "59 s"),
        (3 * M + 59 * S, "3 min"),
        (H, "1 h"),
        (4 * H + 27 * M, "4 h 27 min"),
        (D, "1 day"),
        (2 * D + 19 * H + 59 * M, "2 days 19 h"),
    ],
)
def test_a_duration_is_told_as_people_say_it(ms: int | None, said: str) -> None:
    """Nobody counts seconds at night."""
    assert span(ms) == said
