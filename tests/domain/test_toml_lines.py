"""A problem of a mapping file names its line."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.toml_lines import line_of, lines_of

TEXT = '''# a comment with = and [brackets]
version = 1
ignored = { "$.a.b" = "why", "$.c" = "why" }

[fields]
event.kind = { at = "$.type", codes = "kind" }  # = not a key
patient.given = { at = [
  "$.first",  # ]
  "$.second",
], required = true }
"patient.family" = { at = "$.last" }

[codes.kind]
"N ] = [" = """
referred"""
"X" = "cancelled"
'''


def test_each_key_is_found_where_it_stands() -> None:
    """Strings, comments and arrays over several lines do not lead astray."""
    lines = lines_of(TEXT)

    assert {
        name: lines[name]
        for name in (
            "version",
            "ignored.$.a.b",
            "fields",
            "fields.event.kind.codes",
            "fields.patient.given.required",
        )
    } == {
        "version": 2,
        "ignored.$.a.b": 3,
        "fields": 5,
        "fields.event.kind.codes": 6,
        "fields.patient.given.required": 7,
    }
    assert lines["fields.patient.family"] == 11
    assert lines["codes.kind"] == 13
    assert lines["codes.kind.N ] = ["] == 14
    assert lines["codes.kind.X"] == 16


def test_each_table_of_an_array_has_its_own_lines() -> None:
    """A wrong key of the second caller is not looked for in the first."""
    lines = lines_of("x = 1\n[[a]]\nk = 1\n[a.b]\nz = 1\n[[a]]\nk = 2\n[[a.c]]\nq = 1\n[[a.c]]\nq = 2\n")

    assert [lines[name] for name in ("a.0.k", "a.0.b.z", "a.1.k", "a.1.c.0.q", "a.1.c.1.q")] == [
        3,
        5,
        7,
        9,
        11,
    ]
    assert line_of("a.1.missing", lines) == 6


def test_a_missing_key_is_told_at_the_table_around_it() -> None:
    """The line of what is not there is where it should be."""
    lines = lines_of(TEXT)

    assert line_of("fields.patient.family.required", lines) == 11
    assert line_of("codes.urgency", lines) == 1
    assert line_of("", {}) == 1


@given(st.lists(st.from_regex(r"[a-z]{1,4}", fullmatch=True), unique=True, min_size=1), st.integers(0, 3))
def test_keys_after_blank_and_comment_lines_keep_their_count(names: list[str], gap: int) -> None:
    """Whatever stands between keys, the count of lines goes on."""
    filler = "# x = [\n" * gap
    text = "".join(f"{filler}{name} = '''a\nb'''\n" for name in names)

    lines = lines_of(text)

    assert list(tomllib.loads(text)) == names
    assert [lines[name] for name in names] == [1 + gap + n * (gap + 2) for n in range(len(names))]
